import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ExportComplaints } from './export-complaints.js';

describe('ExportComplaints', () => {
  afterEach(() => vi.restoreAllMocks());

  it('says the first of a minute, as a warning whatever the SDK calls it', () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    let now = 0;
    const complaints = new ExportComplaints(() => now);

    complaints.error('refused');
    now = 59_999;
    complaints.warn('refused again');
    now = 60_000;
    complaints.warn('dropped');

    expect(warned.mock.calls.map(([line]) => (line as { error: string }).error)).toEqual(['refused', 'dropped']);
  });
});
