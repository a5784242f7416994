import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchArtefacts, once } from './artefacts.mjs';
import { classArchive } from './kafka-class-archive.mjs';
import { KafkaClient } from './kafka-client.mjs';
import { brokerSettings, loggingSettings } from './kafka-settings.mjs';
import { freePort } from './ports.mjs';
import { withProgress } from './progress.mjs';
import { Server } from './server.mjs';
import { startOnFreePort } from './start-on-free-port.mjs';

/**
 * Starts Kafka as one node that is broker and controller, and makes the topics.
 *
 * @param {import('./context.mjs').StackContext} stack
 */
export async function startKafka(stack) {
  const { kafkaJars } = await fetchArtefacts(stack);
  const plain = await formattedLogs(kafkaJars, stack);
  const archive = await classArchive(kafkaJars, stack, async (archiveFlag) => {
    const server = await startBroker('kafka-rehearsal', { kafkaJars, formatted: plain, archiveFlag }, stack);
    await server.stop();
  });
  const formatted = stack.kafkaScram.length > 0 ? await logsWithUsers(kafkaJars, stack) : plain;
  const server = await startBroker('kafka', { kafkaJars, formatted, archiveFlag: archive }, stack);
  const client = new KafkaClient(server.port);
  await Promise.all([client.createTopics(stack.topics), client.warmUpGroups()]);
  return server;
}

/**
 * @param {string} name of its folder
 * @param {{ kafkaJars: string, formatted: string, archiveFlag?: string }} from
 * @param {import('./context.mjs').StackContext} stack
 */
async function startBroker(name, { kafkaJars, formatted, archiveFlag }, stack) {
  const folder = join(stack.dataFolder, name);
  const logFile = join(folder, 'kafka.log');
  const logs = join(folder, 'logs');
  const logging = join(folder, 'log4j2.properties');
  const properties = join(folder, 'server.properties');
  mkdirSync(folder);
  const clusterId = copyLogs(formatted, logs);
  writeFileSync(logging, loggingSettings(logFile));

  return startOnFreePort(async () => {
    const [port, controllerPort] = [await freePort(), await freePort()];
    writeFileSync(
      properties,
      brokerSettings({
        ...{ port, controllerPort, logs, more: stack.kafkaSettings },
        ...{ listener: stack.kafkaListener, advertised: stack.kafkaAdvertised },
      }),
    );
    const client = new KafkaClient(port);
    const flags = [
      '-Xms256m',
      '-Xmx512m',
      '-XX:+UseSerialGC', // on two cores and half a gigabyte: starts quicker than G1 and takes less of the processor
      ...(archiveFlag ? [archiveFlag] : []),
      `-Dlog4j2.configurationFile=${logging}`,
    ];
    return new Server(
      {
        name: 'Kafka',
        port,
        file: 'java',
        args: [...flags, '-cp', join(kafkaJars, '*'), 'kafka.Kafka', properties],
        folder,
        logFile,
        stopSignal: 'SIGTERM',
        ready: () => client.isReady(clusterId),
      },
      stack,
    );
  });
}

/** A JVM of its own takes a second each time: done once and copied. */
async function formattedLogs(kafkaJars, { dataFolder, log, run }) {
  const formatted = join(kafkaJars, '..', 'formatted');
  if (existsSync(formatted)) return formatted;
  await once('kafka-logs', formatted, log, async (into) => {
    await withProgress('formatting Kafka storage', log, () => format(into, kafkaJars, { dataFolder, run }));
  });
  return formatted;
}

/** SCRAM's users stand in the very first records of the cluster: who wants some has storage formatted for them. */
async function logsWithUsers(kafkaJars, stack) {
  const formatted = join(stack.dataFolder, 'formatted');
  await format(formatted, kafkaJars, stack, stack.kafkaScram);
  return formatted;
}

/** @param {string} into @param {string} kafkaJars @param {Pick<import('./context.mjs').StackContext, 'dataFolder' | 'run'>} stack */
async function format(into, kafkaJars, { dataFolder, run }, scram = []) {
  const properties = join(dataFolder, 'format.properties');
  writeFileSync(properties, brokerSettings({ port: 9092, controllerPort: 9093, logs: into }));
  const words = ['format', '-t', newClusterId(), '-c', properties, ...scram.flatMap((user) => ['--add-scram', user])];
  await run('java', ['-cp', join(kafkaJars, '*'), 'kafka.tools.StorageTool', ...words]);
}

/** Under a cluster id of their own, by which a client tells this stack's Kafka from others. */
function copyLogs(formatted, logs) {
  const clusterId = newClusterId();
  const meta = join(logs, 'meta.properties');
  cpSync(formatted, logs, { recursive: true });
  writeFileSync(meta, readFileSync(meta, 'utf8').replace(/^cluster\.id=.*$/m, `cluster.id=${clusterId}`));
  return clusterId;
}

/** StorageTool takes a leading hyphen for an option. */
const newClusterId = () => randomBytes(16).toString('base64url').replace(/^-/, 'A');
