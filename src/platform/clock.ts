import { Injectable } from '@nestjs/common';

/** The one source of the time that decisions go by: what day it is, what is due. A test sets it to any midnight. */
@Injectable()
export class Clock {
  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now();
  }
}
