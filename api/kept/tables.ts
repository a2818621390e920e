/**
 * Every table of `feeds.db`, each `CREATE … IF NOT EXISTS`, by the folder that uses it. Times are
 * integer milliseconds UTC, hashes are bytes of SHA-256.
 */
export const keptTables: readonly string[] = [];
