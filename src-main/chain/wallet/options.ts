/** What scrypt costs (RFC 7914). 128 * n * r bytes of memory for each guess at a password. */
export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about 0.4 s a guess on one core; what that means to an attacker: docs/security/wallet.md. */
export const SCRYPT_COST: ScryptCost = { n: 131_072, r: 8, p: 1 };

export const UNIT = 10n ** 18n;

/** All SUM that there can ever be (SumToken's cap): nothing takes more than that, whatever number it names. */
export const ALL_SUM = 1_000_000_000n * UNIT;

export const WALLET_LIMITS = {
  fileBytes: 65_536,
  passwordChars: { least: 10, most: 1_000 },
  /** Of foreign files: what their parameters may make us do. */
  scrypt: { memoryBytes: 536_870_912, n: 1_048_576, r: 64, p: 16 },
  pbkdf2Rounds: 10_000_000,
  /** Wrong passwords that cost no waiting; then 1 s, 2 s, 4 s ... */
  freeAttempts: 5, longestWaitMs: 300_000,
  idleLockMs: 900_000,
  /** 1e-18 SUM a day, until the owner says otherwise. */
  perDayUnits: 1_000n * UNIT,
  dayMs: 86_400_000,
  /** Consents that are remembered, newest first. */
  consents: 500,
  waiting: 8, consentMs: 600_000,
} as const;
