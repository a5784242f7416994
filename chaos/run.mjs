// One run: traffic and faults, then quiet, then the verdict.
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../stack/polling.mjs';
import { gather, offsetsOf } from './evidence.mjs';
import { FAULTS } from './faults.mjs';
import { judge } from './judge.mjs';
import { Rig } from './rig.mjs';
import { scheduleOf } from './schedule.mjs';
import { Traffic } from './traffic.mjs';

/** Members that died are missed for half a minute, and a raised budget is seen within a minute. */
const SETTLE_MS = 240_000;
const LOOK_EVERY_MS = 500;
/** What was read last may have raised an alert. */
const QUIET_LOOKS = 2;

/** What has to be over before anything is judged. */
const OPEN = `
  select (select count(*) from campaign_transitions where announced_at is null)::int as unannounced,
         (select count(*) from notification_deliveries where status = 'PENDING' and not grouped)::int as undelivered,
         (select count(*) from campaigns c left join daily_spend d on d.campaign_id = c.id and d.day = $1
          where c.status = 'PAUSED' and c.daily_budget > coalesce(d.spent - d.refunded, 0))::int as unresumed`;

export class Run {
  /** @type {import('./schedule.mjs').Fault[]} */
  schedule;
  /** @type {Rig} */
  rig;
  /** @type {Traffic} */
  traffic;
  #lengthMs;
  #say;
  /** What the machine itself could not do. @type {string[]} */
  #failed = [];
  #beganAt = 0;
  /** Looks in a row that found nothing to do. */
  #quiet = 0;

  /** @param {{ seed: number, lengthMs: number, say: (line: string) => void }} options */
  static async open({ seed, lengthMs, say }) {
    const run = new Run();
    run.schedule = scheduleOf(seed, lengthMs);
    run.#lengthMs = lengthMs;
    run.#say = say;
    run.rig = await Rig.open({ midnightInMs: run.schedule.find(({ kind }) => kind === 'midnight')?.atMs });
    try {
      await run.rig.startReplicas();
    } catch (error) {
      await run.close({ keepLogs: true });
      throw error;
    }
    run.traffic = new Traffic(seed, run.rig);
    return run;
  }

  /** Traffic, and all faults of the schedule; at its end they are taken back, and the last record is written. */
  async wreak() {
    this.#beganAt = Date.now();
    this.traffic.start();
    /** Of each thing, the fault that has hold of it. @type {Map<string, Promise<void>>} */
    const held = new Map();
    const all = this.schedule.map((fault) => {
      const before = fault.on.map((thing) => held.get(thing));
      const done = this.#do(fault, before);
      for (const thing of fault.on) held.set(thing, done);
      return done;
    });
    await Promise.all([...all, this.#until(this.#lengthMs)]);
    await this.traffic.stop();
    this.#tell(`traffic is over: ${this.traffic.sent.size} records`);
  }

  /** Waits until nothing is to be done any more, and ends the Workers. */
  async settle() {
    try {
      const patience = { deadlineMs: SETTLE_MS, everyMs: LOOK_EVERY_MS };
      await until(() => this.#isSettled(), { ...patience, waitingFor: 'the end of all work' });
    } catch (error) {
      this.#failed.push(error.message);
    }
    await this.rig.endReplicas();
    this.#tell('all is settled, and the Workers have ended');
  }

  /** What there is to judge, when the Workers have ended. */
  gather() {
    return gather(this.rig, this.traffic);
  }

  /** @param {import('./evidence.mjs').Evidence} evidence @returns {string[]} what is wrong */
  judge(evidence) {
    return [...this.#failed, ...judge(evidence)];
  }

  /** @param {{ keepLogs: boolean }} options @returns what is left behind: nothing, where all is right */
  async close(options) {
    // Traffic that a failure has left running would wait for Kafka for ever.
    this.traffic?.abandon();
    const left = await this.rig.close(options);
    return left.length === 0 ? [] : [`processes are left: ${left.join(', ')}`];
  }

  /** @param {import('./schedule.mjs').Fault} fault @param {(Promise<void> | undefined)[]} before */
  async #do(fault, before) {
    const { kind, on, atMs, forMs } = fault;
    await Promise.all([...before, this.#until(atMs)]);
    const name = kind.startsWith('replica') ? `${kind} (${on[0]})` : kind;
    this.#tell(forMs > 0 ? `${name}, for ${(forMs / 1_000).toFixed(1)} s` : name);
    try {
      const undo = await FAULTS[kind](this.rig, fault);
      if (undo === undefined) return;
      await this.#until(atMs + forMs);
      await undo();
      this.#tell(`${name} is over`);
    } catch (error) {
      this.#failed.push(`${name} could not be done: ${error.message}`);
    }
  }

  /** @throws Error that says what is still to be done */
  async #isSettled() {
    const { database, clock } = this.rig;
    const behind = (await offsetsOf(this.rig)).filter(({ committed, end }) => committed < end);
    const { rows } = await database.query(OPEN, [clock.dayOf(clock.now())]);
    const open = [
      ...behind.map(({ group, topic, partition, committed, end }) => {
        return `${group} is at ${committed} of ${end} in ${topic}:${partition}`;
      }),
      ...Object.entries(rows[0]).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : [])),
    ];
    this.#quiet = open.length === 0 ? this.#quiet + 1 : 0;
    if (open.length > 0) throw new Error(open.join(', '));
    return this.#quiet >= QUIET_LOOKS;
  }

  async #until(ms) {
    const left = this.#beganAt + ms - Date.now();
    if (left > 0) await pause(left);
  }

  #tell(what) {
    this.#say(`${((Date.now() - this.#beganAt) / 1_000).toFixed(1).padStart(6)} s  ${what}`);
  }
}
