import { Logger } from '@nestjs/common';

/** Long enough for an orchestrator to read `/health/live`, and for the last log line to be written. */
const LAST_WORDS_MS = 1_000;

/** The process cannot do its work any more: it says so and ends, and whoever started it starts another. */
export function endProcess(error: Error): void {
  new Logger('Worker').fatal({ msg: 'the process ends', error: error.message, stack: error.stack });
  process.exitCode = 1;
  setTimeout(() => process.exit(1), LAST_WORDS_MS).unref();
}
