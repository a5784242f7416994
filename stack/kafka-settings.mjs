/**
 * The text of a `server.properties`: one node, quick to start and to join.
 *
 * @param {{ port: number, controllerPort: number, logs: string, listener?: string, advertised?: string, more?: Record<string, string> }} broker
 */
export function brokerSettings({ port, controllerPort, logs, listener, advertised, more = {} }) {
  const listeners = [`PLAINTEXT://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${controllerPort}`];
  return propertiesOf({
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: [...listeners, ...(listener ? [listener] : [])].join(','),
    ...(advertised && { 'advertised.listeners': `${listeners[0]},${advertised}` }),
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': logs,
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': '3',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.num.partitions': '3',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'broker.session.timeout.ms': '3000', // a start after a SIGKILL waits for the old session to end (default: 9 s)
    'broker.heartbeat.interval.ms': '500',
    ...more,
  });
}

/** The text of a `log4j2.properties`: warnings, into a file. @param {string} logFile */
export function loggingSettings(logFile) {
  return propertiesOf({
    status: 'error',
    'appender.file.type': 'File',
    'appender.file.name': 'file',
    'appender.file.fileName': logFile,
    'appender.file.layout.type': 'PatternLayout',
    'appender.file.layout.pattern': '%d %p %c{1} %m%n',
    'rootLogger.level': 'warn',
    'rootLogger.appenderRef.file.ref': 'file',
  });
}

/** @param {Record<string, string>} properties */
function propertiesOf(properties) {
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  return lines.join('');
}
