/** Milliseconds that never go back (`performance.now`); the zero is arbitrary. */
export type MonotonicClock = () => number;
