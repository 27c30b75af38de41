/** Alerts: rules over metrics and events, evaluated by every node, and what comes of them. */
export { ALERT_STATES, alertSchema, type Alert, type AlertState } from './alert.js';
export { AlertEngine, type AlertEngineOptions, type Announce, type Announcement } from './alert-engine.js';
export { AlertStore } from './alert-store.js';
export { METRICS, type MetricName } from './metrics-catalogue.js';
export { NodeFacts, type Fact, type FactSources } from './node-facts.js';
export { ALERT_SEVERITIES, ruleSettingsSchema, type Observation, type Rule, type RuleSettings } from './rule.js';
export { RuleStore } from './rule-store.js';
export { SilenceStore, type Silence } from './silence.js';
