import { once } from 'node:events';
import { connect } from 'node:net';

const LEAVE_GROUP = { key: 13, version: 0 };
const UNKNOWN_MEMBER_ID = 25;

/**
 * Kafka's LeaveGroup request on behalf of a member that has died: what `removeMembersFromConsumerGroup` of Kafka's own
 * admin client does. kafkajs has no call for it.
 *
 * @param {string} broker the only one, and so the group's coordinator
 * @param {string} group @param {string} memberId
 */
export async function removeMember(broker, group, memberId) {
  const header = Buffer.alloc(8);
  header.writeInt16BE(LEAVE_GROUP.key, 0);
  header.writeInt16BE(LEAVE_GROUP.version, 2);
  const body = Buffer.concat([header, text('stack'), text(group), text(memberId)]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);

  const { hostname, port } = new URL(`kafka://${broker}`);
  const socket = connect({ host: hostname, port: Number(port), timeout: 5_000 });
  try {
    socket.once('timeout', () => socket.destroy(new Error('the broker did not answer LeaveGroup')));
    socket.write(Buffer.concat([size, body]));
    const [answer] = await once(socket, 'data'); // ten bytes: size, correlation id, error code
    const code = answer.readInt16BE(8);
    if (code !== 0 && code !== UNKNOWN_MEMBER_ID) throw new Error(`LeaveGroup for ${group}: Kafka's error ${code}`);
  } finally {
    socket.destroy();
  }
}

/** @param {string} value */
function text(value) {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
