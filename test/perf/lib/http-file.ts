import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// A plain web server for one file, in a process of its own: what a verified transfer is compared with.
const { path } = JSON.parse(process.argv[2] ?? '{}') as { path: string };
const { size } = await stat(path);
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-length': size });
  createReadStream(path, { highWaterMark: 256 * 1024 }).pipe(response);
}).listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ event: 'ready', port: (server.address() as AddressInfo).port })}\n`));
process.stdin.on('end', () => process.exit(0)).resume();
