// The queries that pages ask, in one place: each can be shown, changed and asked again in hunting. `test/queries.mjs` has the product's own
// parser check every one of them.
import { literal } from './values';

const latest = 'SecurityIncident\n| summarize arg_max(TimeGenerated, *) by IncidentNumber';

export const queries = {
  scores: 'CastellanScores\n| top 1 by TimeGenerated desc',
  coverage: 'CastellanCoverage\n| project WorkloadId, Workload, WorkloadType, Layer, Control, State, Reason, Evidence, NextStep, Query',
  openIncidents: `${latest}\n| where Status != "Closed"\n| summarize Count = count() by Severity`,
  openIncidentCount: `${latest}\n| where Status != "Closed"\n| count`,
  incidentsOf: (severity: string) => `${latest}\n| where Status != "Closed" and Severity == ${literal(severity)}\n| project IncidentNumber, Title, Severity, Status, LastActivityTime`,
  queue: `${latest}\n| project IncidentNumber, Title, Severity, Status, Owner, FirstActivityTime, LastActivityTime, AlertIds\n| sort by LastActivityTime desc`,
  incident: (number: number) => `SecurityIncident\n| where IncidentNumber == ${number}\n| sort by TimeGenerated desc`,
  incidentAlerts: (ids: string[]) => `SecurityAlert\n| where SystemAlertId in (${ids.map(literal).join(', ')})\n| sort by TimeGenerated asc`,

  decisions: (bin: string) => `CastellanGateDecisions\n| summarize Count = count() by bin(TimeGenerated, ${bin}), Action\n| sort by TimeGenerated asc`,
  decisionTotals: 'CastellanGateDecisions\n| summarize Count = count() by Action',
  decisionsOf: (action: string) => `CastellanGateDecisions\n| where Action == ${literal(action)}\n| project TimeGenerated, PrincipalName, AgentId, ModelName, Stage, Reason, Findings\n| sort by TimeGenerated desc`,
  tokens: (bin: string) => `CastellanGateDecisions\n| summarize Input = sum(InputTokens), Output = sum(OutputTokens) by bin(TimeGenerated, ${bin})\n| sort by TimeGenerated asc`,
  alerts: (bin: string) => `SecurityAlert\n| summarize Count = count() by bin(TimeGenerated, ${bin}), AlertSeverity\n| sort by TimeGenerated asc`,
  blockedWho: 'CastellanGateDecisions\n| where Action == "block"\n| summarize Count = count() by PrincipalName\n| top 6 by Count desc',
  recentDecisions: 'CastellanGateDecisions\n| project TimeGenerated, RequestId, Action, Stage, ModelName, PrincipalName, PrincipalKind, PrincipalObjectId, AgentId, ToolName, Reason, Policies, Findings, StatusCode, DurationMs, InputTokens, OutputTokens\n| top 200 by TimeGenerated desc',
  decision: (request: string) => `CastellanGateDecisions\n| where RequestId == ${literal(request)}`,
  latency: (bin: string) => `CastellanGateDecisions\n| summarize P50 = percentile(GuardMs, 50), P95 = percentile(GuardMs, 95) by bin(TimeGenerated, ${bin})\n| sort by TimeGenerated asc`,

  topRisks: 'CastellanRecommendations\n| where State == "Unhealthy"\n| top 6 by RiskGain desc\n| project Id, Title, Severity, ResourceName, Workload, RiskGain, ScoreGain, Fixable',
  recommendations: 'CastellanRecommendations\n| project Id, CheckId, Title, Severity, State, ResourceId, ResourceName, ResourceType, Workload, Location, RiskGain, ScoreGain, Fixable, Frameworks',
  recommendation: (id: string) => `CastellanRecommendations\n| where Id == ${literal(id)}`,
  violations: (severity: string) => `CastellanRecommendations\n| where State == "Unhealthy" and Severity == ${literal(severity)}\n| sort by RiskGain desc`,
  inState: (state: string) => `CastellanRecommendations\n| where State == ${literal(state)}`,

  inventory: 'CastellanInventory\n| project Id, Name, Kind, ResourceType, Workload, Location, Detail, Violations, WorstSeverity',
  relations: 'CastellanRelations\n| project Source, Target, Kind, Detail',
  thing: (id: string) => `CastellanInventory\n| where Id == ${literal(id)}`,
  relationsOf: (id: string) => `CastellanRelations\n| where Source == ${literal(id)} or Target == ${literal(id)}`,
  recommendationsOf: (id: string) => `CastellanRecommendations\n| where ResourceId == ${literal(id)} and State == "Unhealthy"\n| project Id, Title, Severity, RiskGain`,

  sources: 'CastellanSourceHealth\n| summarize arg_max(TimeGenerated, *) by SourceTable\n| project SourceTable, Status, LastReceived, RowCount, SilentSeconds, UsualPauseSeconds, TimeGenerated\n| sort by SourceTable asc',
  health: 'SentinelHealth\n| project TimeGenerated, SentinelResourceName, OperationName, Status, Reason, Description\n| top 500 by TimeGenerated desc',
  ruleHealth: (name: string) => `SentinelHealth\n| where SentinelResourceName == ${literal(name)}\n| sort by TimeGenerated desc`,
  ruleAlerts: (name: string) => `SecurityAlert\n| where AlertName == ${literal(name)}\n| project TimeGenerated, AlertName, AlertSeverity, Entities, SystemAlertId\n| sort by TimeGenerated desc`,
  alertsByRule: 'SecurityAlert\n| summarize Count = count() by AlertName\n| top 8 by Count desc',
} as const;

/** What the layers of one workload look like, as the coverage view asks it. */
export const coverageOf = (workload: string, layer?: string, state?: string) =>
  `CastellanCoverage\n| where WorkloadId == ${literal(workload)}${layer ? ` and Layer == ${literal(layer)}` : ''}${state ? ` and State == ${literal(state)}` : ''}`;
export const coverageIn = (state: string) => `CastellanCoverage\n| where State == ${literal(state)}`;

/** Queries to begin with. */
export const starters: [string, string, string][] = [
  ['Blocked requests', 'Who was refused, and why', 'CastellanGateDecisions\n| where Action == "block"\n| project TimeGenerated, PrincipalName, AgentId, ModelName, Stage, Reason, SrcIpAddr\n| sort by TimeGenerated desc\n| take 1000'],
  ['Decisions over time', 'Stacked by action', 'CastellanGateDecisions\n| summarize Count = count() by bin(TimeGenerated, 1h), Action\n| render columnchart'],
  ['Tokens by person', 'Who spends most', 'CastellanGateDecisions\n| summarize Tokens = sum(InputTokens + OutputTokens), Requests = count() by PrincipalName\n| top 20 by Tokens desc\n| render barchart'],
  ['Alerts by rule', 'What fires, and how bad it is', 'SecurityAlert\n| summarize Alerts = count(), Last = max(TimeGenerated) by AlertName, AlertSeverity\n| sort by Alerts desc'],
  ['Tools that agents call', 'From the traces of agents', 'ASimAgentEventLogs\n| where EventType == "ExecuteTool"\n| summarize Calls = count() by SrcAgentName, ToolName\n| sort by Calls desc'],
  ['Gaps in coverage', 'What no control protects', 'CastellanCoverage\n| where State in ("Gap", "Contradiction")\n| project Workload, Layer, Control, State, Reason, NextStep'],
  ['Worst recommendations', 'Most risk first', 'CastellanRecommendations\n| where State == "Unhealthy"\n| project Severity, Title, ResourceName, RiskGain, ScoreGain, Location\n| sort by RiskGain desc'],
];
