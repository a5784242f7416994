import { obeyStopSignals } from './stop-signals.js';

// Before all that takes time to load: a signal that comes meanwhile is heard too.
obeyStopSignals();
const { run } = await import('./worker.js');
await run();
