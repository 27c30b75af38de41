/** FORMLOOM_FUZZ_SECONDS (default 2 for each test) and FORMLOOM_FUZZ_SEED (default: another one each time). */
import { RandomSource } from './random-source.js';

const { FORMLOOM_FUZZ_SECONDS, FORMLOOM_FUZZ_SEED } = process.env;

export const fuzzSeconds = Number(FORMLOOM_FUZZ_SECONDS ?? 2);

export function fuzzSource(): RandomSource {
  return new RandomSource(Number(FORMLOOM_FUZZ_SEED ?? Date.now() % 2 ** 32));
}
