/** Alerts: rules over metrics and events, evaluated by every node, and what comes of them. */
export { ALERT_STATES, type Alert, type AlertState } from './alert.js';
export { AlertEngine, type AlertEngineOptions, type Announce, type Announcement } from './alert-engine.js';
export { AlertStore } from './alert-store.js';
export { METRICS, type MetricName } from './facts/metrics-catalogue.js';
export { NodeFacts, type Fact, type FactSources } from './facts/node-facts.js';
export { ALERT_SEVERITIES, ruleSettingsSchema, type Observation, type Rule, type RuleSettings } from './rules/rule.js';
export { RuleStore } from './rules/rule-store.js';
export { SilenceStore, type Silence } from './rules/silence.js';
