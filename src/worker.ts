import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { ConfigError, loadConfig, type Config } from './config/config.js';
import { limitHttp, refuseBodies } from './http/http-limits.js';
import { KafkaStrategy } from './platform/kafka/kafka.strategy.js';
import { redact } from './platform/logging/redact.js';
import { StructuredLogger } from './platform/logging/structured-logger.js';
import { Tracing } from './platform/tracing/tracing.js';
import { drainsAtSignals, STOP_SIGNALS } from './stop-signals.js';

/** Puts the application together and starts it; from then on its hooks answer the signals. */
async function start(config: Config): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, {
    logger: new StructuredLogger(config.log),
    forceCloseConnections: true,
    abortOnError: false,
    bodyParser: false, // nothing here is sent to us
  });
  app.disable('x-powered-by');
  app.use(refuseBodies);
  limitHttp(app.getHttpServer());
  endAtUncaughtErrors();
  drainsAtSignals();
  app.enableShutdownHooks([...STOP_SIGNALS], { useProcessExit: true });
  app.get(Tracing).start();
  app.connectMicroservice<MicroserviceOptions>({ strategy: app.get(KafkaStrategy) }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await (config.host === undefined ? app.listen(config.port) : app.listen(config.port, config.host));
}

/** Rejections that nobody handles come here too. Node itself would print all that a driver's error carries. */
function endAtUncaughtErrors(): void {
  process.on('uncaughtException', (error: unknown) => {
    const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
    new Logger('Worker').fatal({ msg: 'an error that nobody caught ends the process', error: message, stack });
    process.exit(1);
  });
}

/** Starts the Worker; ends the process with one line where only a person can put right what is wrong. */
export async function run(): Promise<void> {
  try {
    await start(loadConfig());
  } catch (error) {
    process.stderr.write(
      `${error instanceof ConfigError ? error.message : `the Worker could not start: ${reason(error)}`}\n`,
    );
    process.exit(1);
  }
}

function reason(error: unknown): string {
  const { code, port } = error as { code?: unknown; port?: unknown };
  if (code === 'EADDRINUSE') return `PORT ${String(port)} is taken by another process`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'HOST is not an address of this machine';
  return redact(error instanceof Error ? error.message : String(error));
}
