// Makes this process look like one of Electron's utility processes, then runs the module: messages by `process.parentPort`
// only, nothing by `process.send`.
const [, , modulePath] = process.argv;
const send = process.send.bind(process);
const listeners = new Set();
const early = [];
process.on('message', (data) => (listeners.size === 0 ? early.push(data) : listeners.forEach((listener) => listener({ data }))));
// Chromium ends a utility process with the app.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.parentPort = {
  on: (_event, listener) => {
    listeners.add(listener);
    for (const data of early.splice(0)) listener({ data });
  },
  postMessage: (message) => void (process.connected && send(message, undefined, undefined, () => undefined)),
};
Object.defineProperty(process, 'send', { value: undefined });
await import(modulePath);
