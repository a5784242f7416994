import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** How many postings there were; repeats are none. */
export interface PostingCount {
  readonly clicks: number;
  readonly refunds: number;
}

/** Full minutes and the one that runs: the window is up to a minute short of an hour, never longer. */
const LAST_HOUR = `
  select coalesce(sum(clicks), 0)::float8 as clicks, coalesce(sum(refunds), 0)::float8 as refunds
  from posting_minutes
  where minute > date_trunc('minute', now()) - interval '1 hour'`;

/** Any number of replicas may do this at once: each leaves what another is removing. */
const FORGET_OLD = `
  delete from posting_minutes where (minute, session) in (
    select minute, session from posting_minutes where minute < now() - interval '2 hours' for update skip locked)`;

/** What all replicas posted lately, by the database's own clock; counted with the postings, so a crash loses nothing. */
@Injectable()
export class PostingCounts {
  constructor(private readonly database: DataSource) {}

  /** @throws the driver's error when the database is away */
  async ofLastHour(): Promise<PostingCount> {
    const [row] = await this.database.query<PostingCount[]>(LAST_HOUR);
    return { clicks: row?.clicks ?? 0, refunds: row?.refunds ?? 0 };
  }

  /** @throws the driver's error when the database is away */
  async forgetOld(): Promise<void> {
    await this.database.query(FORGET_OLD);
  }
}
