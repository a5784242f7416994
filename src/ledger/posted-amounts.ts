import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Coalescer } from '../platform/coalescer.js';

/** What postings took that were made before: a repeat may come with another amount, when a price has changed since. */
@Injectable()
export class PostedAmounts {
  private readonly amounts = new Coalescer<bigint, string | undefined>((ids) => this.find(ids));

  constructor(private readonly database: DataSource) {}

  /** The amount of a history, a decimal; undefined where there is no such history. */
  of(historyId: bigint): Promise<string | undefined> {
    return this.amounts.get(historyId);
  }

  private async find(ids: readonly bigint[]): Promise<(string | undefined)[]> {
    const rows = await this.database.query<{ id: string; amount: string }[]>(
      'select id::text, amount::text from ad_balance_histories where id = any ($1::bigint[])',
      [ids.map(String)],
    );
    const found = new Map(rows.map(({ id, amount }) => [BigInt(id), amount]));
    return ids.map((id) => found.get(id));
  }
}
