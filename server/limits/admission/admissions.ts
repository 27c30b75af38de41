/**
 * Whether a connection gets in: its document must not be shut by its breaker, its user, document, tenant and address
 * must have room, and so must its pool. Asked after authentication and before anything is loaded.
 */
import type { Admission, AdmissionPools } from './admission-pools.js';
import type { PoisonDocuments } from '../breakers/poison-documents.js';
import type { Traffic, TrafficAdmission, TrafficLimits } from '../traffic/traffic-limits.js';

export interface ConnectionRequest {
  readonly document: string;
  readonly role: string | undefined;
  /** Undefined where nobody has proven who it is. */
  readonly user: string | undefined;
  readonly tenant: string | undefined;
  readonly address: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A place in a pool with a budget, or how long to stay away. */
export type ConnectionAdmission =
  | {
      readonly admitted: true;
      readonly pool: string;
      readonly idleTimeoutMs: number;
      readonly traffic: Traffic;
      release(): void;
    }
  | {
      readonly admitted: false;
      /** `full`: nobody like it gets in now. `limited`: the caller itself has too much. */
      readonly because: 'full' | 'limited';
      readonly retryAfterSeconds: number;
      readonly reason: string;
    };

export class Admissions {
  constructor(
    private readonly pools: AdmissionPools,
    private readonly traffic: TrafficLimits,
    private readonly poison: PoisonDocuments,
  ) {}

  /** `release` gives everything back; calling it again does nothing. */
  admit(request: ConnectionRequest): ConnectionAdmission {
    const refusal = this.poison.refusal(request.document);
    if (refusal !== undefined) return { ...refusal, because: 'full' };
    const { user, document, tenant, address } = request;
    const line = this.traffic.open({ user, document, tenant, address });
    if (!line.admitted) {
      const reason = `this ${line.limitedBy} has too many connections, or sent too much`;
      return { admitted: false, because: 'limited', retryAfterSeconds: line.retryAfterSeconds, reason };
    }
    const place = this.pools.admit(request);
    if (!place.admitted) {
      line.release();
      return { ...place, because: 'full' };
    }
    return new AdmittedConnection(place, line);
  }
}

class AdmittedConnection {
  readonly admitted = true;

  constructor(
    private readonly place: Extract<Admission, { admitted: true }>,
    private readonly line: Extract<TrafficAdmission, { admitted: true }>,
  ) {}

  get pool(): string {
    return this.place.pool;
  }

  get idleTimeoutMs(): number {
    return this.place.idleTimeoutMs;
  }

  get traffic(): Traffic {
    return this.line.traffic;
  }

  release(): void {
    this.place.release();
    this.line.release();
  }
}
