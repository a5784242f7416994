import type { Reporter, TestModule } from 'vitest/node';

/** Ends the run with the plain line `N passed, N failed`. A file that could not even be loaded counts as one failure. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let [passed, failed, skipped] = [0, unhandledErrors.length, 0];
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      const bad = tests.filter((test) => test.result().state === 'failed').length;
      passed += tests.filter((test) => test.result().state === 'passed').length;
      skipped += tests.filter((test) => test.result().state === 'skipped').length;
      failed += bad === 0 && module.state() === 'failed' ? 1 : bad;
    }
    const line = `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
    // After everything that Vitest's own reporter and the global teardown still have to say.
    process.once('exit', () => {
      process.stdout.write(`\n${line}\n`);
    });
  }
}
