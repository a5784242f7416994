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
});
