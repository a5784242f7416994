import { readTime } from '../platform/events/values.js';
import { UsageError } from './usage-error.js';

/** The words of a command, taken apart. */
export class Given {
  readonly plain: string[] = [];
  private readonly values = new Map<string, string[]>();

  /**
   * @param command as it was typed, for what is said of it
   * @param options those that it takes
   * @param flags those of them that take no value
   * @throws UsageError at an option that is not one of them, and at one without its value
   */
  constructor(
    readonly command: string,
    words: readonly string[],
    options: readonly string[],
    flags: readonly string[],
  ) {
    for (let at = 0; at < words.length; at++) {
      const word = words[at] ?? '';
      if (!word.startsWith('--')) {
        this.plain.push(word);
        continue;
      }
      const [option, inline] = splitOnce(word.slice(2));
      if (!options.includes(option)) throw this.fault(`unknown option --${option}`);
      if (flags.includes(option)) {
        if (inline !== undefined) throw this.fault(`--${option} takes no value`);
        this.add(option, '');
      } else {
        const value = inline ?? words[++at];
        if (value === undefined || (inline === undefined && value.startsWith('--'))) {
          throw this.fault(`--${option} wants a value`);
        }
        this.add(option, value);
      }
    }
  }

  fault(what: string): UsageError {
    return new UsageError(this.command, what);
  }

  /** What was given for an option, as it stands there. */
  texts(option: string): readonly string[] {
    return this.values.get(option) ?? [];
  }

  has(option: string): boolean {
    return this.values.has(option);
  }

  read<T>(option: string, parse: (text: string) => T): T | undefined {
    const all = this.readAll(option, parse);
    if (all.length > 1) throw this.fault(`--${option} is given twice`);
    return all[0];
  }

  readAll<T>(option: string, parse: (text: string) => T): T[] {
    return this.texts(option).map((text) => this.parse(option, text, parse));
  }

  /** @throws UsageError that says what `parse` had to say of it */
  parse<T>(option: string, text: string, parse: (text: string) => T): T {
    try {
      return parse(text);
    } catch (error) {
      throw this.fault(`--${option} ${JSON.stringify(text.slice(0, 60))}: ${(error as Error).message}`);
    }
  }

  noWords(): void {
    const [word] = this.plain;
    if (word !== undefined) throw this.fault(`unknown argument ${word}`);
  }

  private add(option: string, value: string): void {
    this.values.set(option, [...(this.values.get(option) ?? []), value]);
  }
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf('=');
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** @throws Error that says what a time looks like */
export function timeOf(text: string): Date {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : readTime(text);
  if (ms === undefined || Number.isNaN(new Date(ms).getTime())) {
    throw new Error(
      'must be a time such as 2026-01-31, "2026-01-31 09:30:00" (UTC), 2026-01-31T09:30:00+09:00, or milliseconds',
    );
  }
  return new Date(ms);
}
