/** What a process tells the one that started it (`SaidProcess`): a JSON line on stdout. */
export const say = (event: string, detail: object): void => void process.stdout.write(`${JSON.stringify({ event, ...detail })}\n`);
