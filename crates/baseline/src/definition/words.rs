//! The words that definitions use, and what `BehaviorAnalytics` calls them.

use serde::{Deserialize, Serialize};

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ActorType {
    /// A person.
    User,
    /// An application's identity.
    ServicePrincipal,
    /// An identity that Azure looks after.
    ManagedIdentity,
    /// An AI agent.
    Agent,
    /// A tool that agents call.
    Tool,
    /// A key or subscription of an API.
    Key,
    /// Any of them, where the log does not say which.
    Identity,
}

impl ActorType {
    /// As tables have it.
    pub fn as_str(self) -> &'static str {
        match self {
            ActorType::User => "User",
            ActorType::ServicePrincipal => "ServicePrincipal",
            ActorType::ManagedIdentity => "ManagedIdentity",
            ActorType::Agent => "Agent",
            ActorType::Tool => "Tool",
            ActorType::Key => "Key",
            ActorType::Identity => "Identity",
        }
    }
}

/// What the values of a dimension are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Something that is accessed.
    Resource,
    /// A tool of an agent.
    Tool,
    /// A range of addresses.
    Network,
    /// A country or region.
    Country,
    /// A program, as it names itself.
    Client,
    /// A model.
    Model,
    /// What is done.
    Operation,
    /// Another agent.
    PeerAgent,
    /// An application.
    Application,
    /// Who calls, where the actor is what is called.
    Caller,
}

/// What an insight of a dimension is called in `ActivityInsights`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// The actor's first time.
    pub first: &'static str,
    /// The actor rarely does it.
    pub uncommon: &'static str,
    /// Its peers rarely do it.
    pub uncommon_among_peers: &'static str,
    /// The first time of anybody.
    pub first_in_tenant: &'static str,
    /// Few do it.
    pub uncommon_in_tenant: &'static str,
}

impl Kind {
    /// As tables have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Resource => "Resource",
            Kind::Tool => "Tool",
            Kind::Network => "Network",
            Kind::Country => "Country",
            Kind::Client => "Client",
            Kind::Model => "Model",
            Kind::Operation => "Operation",
            Kind::PeerAgent => "PeerAgent",
            Kind::Application => "Application",
            Kind::Caller => "Caller",
        }
    }

    /// The names of its insights. Source: Microsoft Sentinel, UEBA reference, for countries, browsers, applications,
    /// resources and actions; those of tools, models, networks, agents and callers are our own in the same form.
    pub fn names(self) -> Names {
        let [first, uncommon, uncommon_among_peers, first_in_tenant, uncommon_in_tenant] = match self {
            Kind::Resource => [
                "FirstTimeUserAccessedResource",
                "ResourceUncommonlyAccessedByUser",
                "ResourceUncommonlyAccessedAmongPeers",
                "FirstTimeResourceAccessedInTenant",
                "ResourceUncommonlyAccessedInTenant",
            ],
            Kind::Country => [
                "FirstTimeUserConnectedFromCountry",
                "CountryUncommonlyConnectedFromByUser",
                "CountryUncommonlyConnectedFromAmongPeers",
                "FirstTimeConnectionFromCountryObservedInTenant",
                "CountryUncommonlyConnectedFromInTenant",
            ],
            Kind::Client => [
                "FirstTimeUserConnectedViaBrowser",
                "BrowserUncommonlyUsedByUser",
                "BrowserUncommonlyUsedAmongPeers",
                "FirstTimeBrowserObservedInTenant",
                "BrowserUncommonlyUsedInTenant",
            ],
            Kind::Application => [
                "FirstTimeUserUsedApp",
                "AppUncommonlyUsedByUser",
                "AppUncommonlyUsedAmongPeers",
                "FirstTimeAppObservedInTenant",
                "AppUncommonlyUsedInTenant",
            ],
            Kind::Operation => [
                "FirstTimeUserPerformedAction",
                "ActionUncommonlyPerformedByUser",
                "ActionUncommonlyPerformedAmongPeers",
                "FirstTimeActionPerformedInTenant",
                "ActionUncommonlyPerformedInTenant",
            ],
            Kind::Network => [
                "FirstTimeUserConnectedFromNetwork",
                "NetworkUncommonlyUsedByUser",
                "NetworkUncommonlyUsedAmongPeers",
                "FirstTimeConnectionFromNetworkObservedInTenant",
                "NetworkUncommonlyUsedInTenant",
            ],
            Kind::Tool => [
                "FirstTimeActorUsedTool",
                "ToolUncommonlyUsedByActor",
                "ToolUncommonlyUsedAmongPeers",
                "FirstTimeToolObservedInTenant",
                "ToolUncommonlyUsedInTenant",
            ],
            Kind::Model => [
                "FirstTimeActorUsedModel",
                "ModelUncommonlyUsedByActor",
                "ModelUncommonlyUsedAmongPeers",
                "FirstTimeModelObservedInTenant",
                "ModelUncommonlyUsedInTenant",
            ],
            Kind::PeerAgent => [
                "FirstTimeActorInvokedAgent",
                "AgentUncommonlyInvokedByActor",
                "AgentUncommonlyInvokedAmongPeers",
                "FirstTimeAgentObservedInTenant",
                "AgentUncommonlyInvokedInTenant",
            ],
            Kind::Caller => [
                "FirstTimeCalledByCaller",
                "CallerUncommonToActor",
                "CallerUncommonAmongPeers",
                "FirstTimeCallerObservedInTenant",
                "CallerUncommonInTenant",
            ],
        };
        Names { first, uncommon, uncommon_among_peers, first_in_tenant, uncommon_in_tenant }
    }
}
