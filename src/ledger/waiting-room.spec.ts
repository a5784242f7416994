import fc from 'fast-check';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WaitingRoom } from './waiting-room.js';

describe('a waiting room', () => {
  it('lets in as many as it has places, and the next one for each that leaves, in order', async () => {
    const room = new WaitingRoom(2);
    const inside: number[] = [];
    const enter = async (who: number) => {
      await room.enter();
      inside.push(who);
    };

    const [first, second, third, fourth] = [enter(1), enter(2), enter(3), enter(4)];
    await Promise.all([first, second]);
    expect(room.tryEnter()).toBe(false);
    room.leave();
    await third;
    expect(inside).toEqual([1, 2, 3]);

    room.leave();
    await fourth;
    expect(inside).toEqual([1, 2, 3, 4]);

    room.leave();
    expect(room.tryEnter()).toBe(true);
  });

  it('never has more inside than places, nor anybody at the door beside a free place, and keeps the order', async () => {
    const steps = fc.array(fc.constantFrom('enter', 'try', 'leave'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (places, all) => {
        const room = new WaitingRoom(places);
        const model = { inside: 0, door: [] as number[], let: [] as number[] };
        const wereLet: number[] = [];

        for (const [who, each] of all.entries()) {
          if (each === 'leave') {
            if (model.inside === 0) continue;
            room.leave();
            const next = model.door.shift();
            if (next === undefined) model.inside--;
            else model.let.push(next);
          } else if (each === 'try') {
            const isPlace = model.inside < places;
            if (isPlace) model.inside++;
            expect(room.tryEnter()).toBe(isPlace);
          } else {
            void room.enter().then(() => wereLet.push(who));
            const isPlace = model.inside < places;
            if (isPlace) model.inside++;
            (isPlace ? model.let : model.door).push(who);
          }
          await nextTurn();
          expect(wereLet).toEqual(model.let);
        }
      }),
    );
  });
});
