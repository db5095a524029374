//! The methods of every revision.

use crate::transport::Version;

/// Who sends a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The client.
    Client,
    /// The server. Since 2026-07-28 its requests stand inside results.
    Server,
    /// Either.
    Both,
}

/// Which member of the parameters `Mcp-Name` repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameSource {
    /// `params.name`.
    Name,
    /// `params.uri`.
    Uri,
    /// `params.taskId`.
    TaskId,
}

impl NameSource {
    /// The member's name.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            NameSource::Name => "name",
            NameSource::Uri => "uri",
            NameSource::TaskId => "taskId",
        }
    }
}

macro_rules! methods {
    ($($variant:ident $name:literal $sender:ident $first:ident..$last:ident $about:literal)*) => {
        /// A method of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = $about] $variant,)*
        }

        impl Method {
            /// Every method.
            pub const ALL: &[Method] = &[$(Method::$variant,)*];

            /// The method of this name.
            #[must_use]
            pub fn of(name: &str) -> Option<Method> {
                match name {
                    $($name => Some(Method::$variant),)*
                    _ => None,
                }
            }

            /// Its name on the wire.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Method::$variant => $name,)* }
            }

            /// Who sends it.
            #[must_use]
            pub fn sender(self) -> Sender {
                match self { $(Method::$variant => Sender::$sender,)* }
            }

            fn revisions(self) -> (Version, Version) {
                match self { $(Method::$variant => (Version::$first, Version::$last),)* }
            }
        }
    };
}

methods! {
    Initialize "initialize" Client V2024_11_05..V2025_11_25 "Begins a session."
    Initialized "notifications/initialized" Client V2024_11_05..V2025_11_25 "The session has begun."
    Discover "server/discover" Client V2026_07_28..V2026_07_28 "Asks for versions and capabilities."
    Ping "ping" Both V2024_11_05..V2025_11_25 "Asks whether the other side is there."
    ToolsList "tools/list" Client V2024_11_05..V2026_07_28 "Lists tools."
    ToolsCall "tools/call" Client V2024_11_05..V2026_07_28 "Calls a tool."
    ToolsChanged "notifications/tools/list_changed" Server V2024_11_05..V2026_07_28 "The tools are others."
    ResourcesList "resources/list" Client V2024_11_05..V2026_07_28 "Lists resources."
    ResourcesTemplates "resources/templates/list" Client V2024_11_05..V2026_07_28 "Lists templates of resources."
    ResourcesRead "resources/read" Client V2024_11_05..V2026_07_28 "Reads a resource."
    ResourcesSubscribe "resources/subscribe" Client V2024_11_05..V2025_11_25 "Asks to be told of changes."
    ResourcesUnsubscribe "resources/unsubscribe" Client V2024_11_05..V2025_11_25 "Asks no longer to be told."
    ResourcesChanged "notifications/resources/list_changed" Server V2024_11_05..V2026_07_28 "The resources are others."
    ResourceUpdated "notifications/resources/updated" Server V2024_11_05..V2026_07_28 "A resource changed."
    PromptsList "prompts/list" Client V2024_11_05..V2026_07_28 "Lists prompts."
    PromptsGet "prompts/get" Client V2024_11_05..V2026_07_28 "Gets a prompt."
    PromptsChanged "notifications/prompts/list_changed" Server V2024_11_05..V2026_07_28 "The prompts are others."
    Complete "completion/complete" Client V2024_11_05..V2026_07_28 "Completes an argument."
    SetLevel "logging/setLevel" Client V2024_11_05..V2025_11_25 "Sets how much the server logs."
    LogMessage "notifications/message" Server V2024_11_05..V2026_07_28 "The server logs something."
    Listen "subscriptions/listen" Client V2026_07_28..V2026_07_28 "Opens a stream of changes."
    Acknowledged "notifications/subscriptions/acknowledged" Server V2026_07_28..V2026_07_28 "The stream is open."
    CreateMessage "sampling/createMessage" Server V2024_11_05..V2026_07_28 "Asks the client's model."
    Elicit "elicitation/create" Server V2025_06_18..V2026_07_28 "Asks the client's user."
    ElicitComplete "notifications/elicitation/complete" Server V2025_11_25..V2025_11_25 "What the user did elsewhere is done."
    RootsList "roots/list" Server V2024_11_05..V2026_07_28 "Asks for the client's folders."
    RootsChanged "notifications/roots/list_changed" Client V2024_11_05..V2025_11_25 "The client's folders are others."
    TasksGet "tasks/get" Both V2025_11_25..V2026_07_28 "Asks how a task stands."
    TasksResult "tasks/result" Both V2025_11_25..V2025_11_25 "Waits for what a task gives."
    TasksList "tasks/list" Both V2025_11_25..V2025_11_25 "Lists tasks."
    TasksCancel "tasks/cancel" Both V2025_11_25..V2026_07_28 "Ends a task."
    TasksUpdate "tasks/update" Client V2026_07_28..V2026_07_28 "Gives a task its input."
    TaskStatus "notifications/tasks/status" Both V2025_11_25..V2025_11_25 "A task stands otherwise."
    TaskNotification "notifications/tasks" Server V2026_07_28..V2026_07_28 "A task stands otherwise."
    Cancelled "notifications/cancelled" Both V2024_11_05..V2026_07_28 "A request is no longer wanted."
    Progress "notifications/progress" Both V2024_11_05..V2026_07_28 "How far a request is."
}

impl Method {
    /// Whether it asks for no answer.
    #[must_use]
    pub fn is_notification(self) -> bool {
        self.name().starts_with("notifications/")
    }

    /// Whether a revision has it. Tasks count as part of 2026-07-28, where they are an extension.
    #[must_use]
    pub fn exists_in(self, version: Version) -> bool {
        let (first, last) = self.revisions();
        (first..=last).contains(&version)
    }

    /// Which parameter `Mcp-Name` repeats. Only for the three of [`Method::requires_name`] is the header required.
    #[must_use]
    pub fn name_source(self) -> Option<NameSource> {
        match self {
            Method::ToolsCall | Method::PromptsGet => Some(NameSource::Name),
            Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
                Some(NameSource::Uri)
            }
            Method::TasksGet | Method::TasksResult | Method::TasksCancel | Method::TasksUpdate => {
                Some(NameSource::TaskId)
            }
            _ => None,
        }
    }

    /// Whether 2026-07-28 requires `Mcp-Name`.
    #[must_use]
    pub fn requires_name(self) -> bool {
        matches!(self, Method::ToolsCall | Method::ResourcesRead | Method::PromptsGet)
    }
}
