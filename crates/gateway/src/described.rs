//! What holds with a configuration, for people who check one. No secret is in it.

use crate::config::{Config, Content, WhenFull};
use crate::guard::Consistent;
use crate::mcp::McpConfig;
use crate::view::host;

impl Config {
    /// What holds, a line each.
    pub fn described(&self) -> Vec<String> {
        let tls = if self.tls.is_some() { ", encrypted" } else { "" };
        let mut lines = vec![format!("listens at {}{tls}", self.listen), self.lets_in(), self.guards()];
        let models: Vec<&str> = self.upstreams.models.keys().map(String::as_str).collect();
        lines.push(format!("models: {}", models.join(", ")));
        let policies = self.policies.as_ref().map(|path| path.display().to_string());
        lines.push(format!("policies: {}", policies.as_deref().unwrap_or("those that are built in")));
        lines.push(self.approves());
        lines.extend(self.mcp.as_ref().map(servers));
        lines.push(self.bounds_use());
        lines.push(self.keeps_answers());
        lines.push(self.holds());
        lines.push(self.tells());
        lines.push(self.records());
        lines
    }

    fn lets_in(&self) -> String {
        let who = [
            self.keys.as_ref().map(|path| format!("virtual keys of {}", path.display())),
            (!self.issuer.is_empty()).then(|| {
                let names: Vec<&str> = self.issuer.iter().map(|issuer| issuer.name.as_str()).collect();
                format!("tokens of {}", names.join(", "))
            }),
            (!self.certificate.is_empty()).then(|| "client certificates".to_owned()),
            self.anonymous.then(|| "anybody on this machine (a trial)".to_owned()),
        ];
        format!("lets in {}", who.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }

    fn guards(&self) -> String {
        let mut guards = match self.profiles.as_slice() {
            [] => "guardrails: none: nothing is inspected".to_owned(),
            profiles => format!("guardrails: {}", profiles.join(", ")),
        };
        for (model, profiles) in &self.model_profiles {
            guards.push_str(&format!("; {model}: {}", profiles.join(", ")));
        }
        if let Some(tokens) = &self.tokens {
            let scope = match tokens.consistent {
                Consistent::Request => "request",
                Consistent::Session => "session",
                Consistent::Principal => "principal",
            };
            guards.push_str(&format!("; values become tokens for each {scope}"));
        }
        let files = [
            ("profiles of one's own", &self.guardrails),
            ("block lists", &self.blocklists),
            ("a second look at attacks by", &self.shield.as_ref().map(|shield| shield.model.clone())),
        ];
        for (what, path) in files {
            path.iter().for_each(|path| guards.push_str(&format!("; {what}: {}", path.display())));
        }
        guards
    }

    fn approves(&self) -> String {
        let file = |path: &std::path::PathBuf| path.display().to_string();
        let approvals =
            self.approvals.as_ref().map_or("none: what needs a person is refused".to_owned(), |path| {
                format!("{} in {}", self.approval_rules.approvals, file(path))
            });
        let grants = self.grants.as_ref().map_or("none".to_owned(), file);
        let orders = self.orders.as_ref().map_or("none".to_owned(), file);
        format!("approvals: {approvals}; grants: {grants}; orders of playbooks: {orders}")
    }

    fn bounds_use(&self) -> String {
        let rule =
            |rule: &crate::limit::Rule| format!("{} ({} {})", rule.name, rule.limit, rule.unit.as_str());
        let rules = self.limits.rules.iter().map(rule);
        let at_once =
            self.limits.concurrent.iter().map(|rule| format!("{} ({} at once)", rule.name, rule.limit));
        let all: Vec<String> = rules.chain(at_once).collect();
        format!("limits: {}", if all.is_empty() { "none".to_owned() } else { all.join(", ") })
    }

    fn keeps_answers(&self) -> String {
        match &self.cache {
            None => "cache of answers: off".to_owned(),
            Some(cache) => {
                let models: Vec<&str> = cache.models.iter().map(|model| model.as_str()).collect();
                let models = if models.is_empty() { "all models".to_owned() } else { models.join(", ") };
                let shared = match cache.shared.len() {
                    0 => "for each principal".to_owned(),
                    count => format!("for each principal, and for all users of {count} applications"),
                };
                let bytes = in_mebibytes(cache.bytes);
                format!("cache of answers: {} seconds, {bytes}, {models}, {shared}", cache.seconds)
            }
        }
    }

    fn holds(&self) -> String {
        let bounds = &self.bounds;
        format!(
            "bounds: requests {}, answers {}, all that is held {}, {} connections",
            in_mebibytes(bounds.request_bytes),
            in_mebibytes(bounds.answer_bytes),
            in_mebibytes(bounds.held_bytes),
            bounds.connections
        )
    }

    fn tells(&self) -> String {
        match &self.traces {
            None => "traces: off".to_owned(),
            Some(traces) => {
                let (percent, host) = (traces.sample * 100.0, host(&traces.endpoint));
                format!("traces: {percent} % of those that begin here, to {host}")
            }
        }
    }

    fn records(&self) -> String {
        let content = match self.record.content {
            Content::None => "without texts",
            Content::Redacted => "with redacted texts",
            Content::Full => "with whole texts",
        };
        let full = match self.record.when_full {
            WhenFull::Refuse => "nothing passes that cannot be recorded",
            WhenFull::Pass => "what cannot be recorded passes",
        };
        let file = self.record.file.as_ref().map(|path| format!(", in {}", path.display()));
        format!("record: {content}{}; {full}", file.unwrap_or_default())
    }
}

fn servers(mcp: &McpConfig) -> String {
    let names: Vec<&str> = mcp.proxy.servers.iter().map(|server| server.id.as_str()).collect();
    format!("servers of tools: {}", names.join(", "))
}

fn in_mebibytes(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

#[cfg(test)]
mod tests {
    use crate::config::read;

    fn check(text: &str, expected: &[&str]) {
        let told = read(text).unwrap().described().join("\n");
        for line in expected {
            assert!(told.contains(line), "{line} is not in\n{told}");
        }
    }

    #[test]
    fn the_whole_configuration_is_told() {
        check(
            "[gate]\nanonymous = true\n",
            &[
                "lets in anybody",
                "guardrails: default",
                "cache of answers: off",
                "traces: off",
                "all that is held 512 MiB",
                "limits: requests at once (1024 at once)",
                "approvals: none",
                "with redacted texts",
            ],
        );
        check(
            include_str!("../../../examples/gate/serving.toml"),
            &["cache of answers: 300 seconds", "at once)", "traces: 100 % of those that begin here, to "],
        );
        let second = "[gate]\nblocklists = \"lists.json\"\n[gate.shield]\nmodel = \"models/guard\"\n";
        check(second, &["block lists: lists.json", "a second look at attacks by: models/guard"]);
        let secret = "[gate.traces]\nendpoint = \"https://collector.example/v1/traces?key=s3cret\"\n";
        assert!(!read(secret).unwrap().described().join("\n").contains("s3cret"));
    }
}
