/** `2026-01-31 09:05`, in UTC; Unix ms. */
export const utcMinute = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
