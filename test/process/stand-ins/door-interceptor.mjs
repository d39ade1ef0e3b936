// In the interceptor's place: takes the sockets, says on each which it is, gives a certificate that is none.
import process from 'node:process';

const ports = JSON.parse(process.argv[2] ?? '[]');
/** @type {number[]} */
const taken = [];
process.on('message', (/** @type {{ listener: number }} */ { listener }, handle) => {
  const server = /** @type {import('node:net').Server} */ (handle);
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.setNoDelay(true).end(`interceptor of ${listener}`);
  });
  taken.push(listener);
  if (taken.length < ports.length) return;
  if (process.argv[3] === 'gone') process.exit();
  process.send?.({ authority: 'the authority' }, () => process.disconnect());
});
// Until the test ends it.
setInterval(() => undefined, 60_000);
