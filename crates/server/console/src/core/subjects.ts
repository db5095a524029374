// What the gate can be told to block: the entities of an incident, as subjects of orders.
import type { Schemas } from './api';

export type Subject = { kind: Schemas['SubjectKind']; subject: string; label: string; what: string };

type Entity = { kind: string; label: string; values: Record<string, string> };

const rules: Record<string, { kind: Schemas['SubjectKind']; what: string; values: string[] }> = {
  account: { kind: 'principal', what: 'user', values: ['AadUserId', 'ObjectGuid', 'ObjectId', 'PrincipalObjectId', 'FullName', 'UPNSuffix', 'Name'] },
  cloudapplication: { kind: 'principal', what: 'application', values: ['ObjectId', 'AppId', 'Name'] },
  aiagent: { kind: 'agent', what: 'agent', values: ['AgentId', 'Id', 'Name'] },
  aitool: { kind: 'tool', what: 'tool', values: ['Name', 'ToolName', 'Id'] },
  aimodel: { kind: 'model', what: 'model', values: ['Name', 'ModelName', 'Id'] },
  aikey: { kind: 'key', what: 'key', values: ['KeyId', 'Id'] },
};

export function subjectOf(entity: Entity): Subject | undefined {
  const rule = rules[entity.kind.toLowerCase()];
  const value = rule?.values.map((name) => entity.values[name]).find(Boolean);
  return rule && value ? { kind: rule.kind, subject: value, label: entity.label || value, what: rule.what } : undefined;
}

export const subjectKinds: [Schemas['SubjectKind'], string][] = [['principal', 'Person or application'], ['agent', 'Agent'], ['key', 'Virtual key'], ['tool', 'Tool'], ['model', 'Model'], ['prompt', 'Prompt']];
