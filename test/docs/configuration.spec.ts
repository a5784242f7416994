// docs/configuration.md and .env.example are what src/config/variables.ts says; `npm run docs` writes them.
import { describe, expect, it } from 'vitest';
import { configurationPage, envExample } from '../support/configuration-docs.js';

describe('what is made from the variables', () => {
  it('is docs/configuration.md as it stands', async () => {
    await expect(await configurationPage()).toMatchFileSnapshot('../../docs/configuration.md');
  });

  it('is .env.example as it stands', async () => {
    await expect(envExample()).toMatchFileSnapshot('../../.env.example');
  });
});
