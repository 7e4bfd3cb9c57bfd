import { join } from 'node:path';

export const payBookPath = (home: string): string => join(home, 'pay.db');
export const wrongWorkPath = (home: string): string => join(home, 'evidence');
