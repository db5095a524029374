//! The reading pipeline: find, decode, parse, recognise, expand, merge, derive, relate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use castellan_base::{Diagnostic, Level, Node, Origin, Resource, SourceId, Span, System, json, yaml};
use rustc_hash::FxHashMap;

use crate::decode::{DecodeError, decode};
use crate::estate::{Coverage, Estate, Input, InputKind};
use crate::merge::Collector;
use crate::options::{Progress, ScanOptions};
use crate::parameters::{self, PendingParameters, PendingTemplate};
use crate::recognise::{Recognised, Refusal, Rows, recognise};
use crate::rows::{Row, row};
use crate::sniff::{Form, sniff};
use crate::walk::{Found, walk};
use crate::{agents, derive, kubernetes, mcp, relations};

/// Puts an estate together from any mix of files, documents and live answers.
///
/// ```
/// use castellan_estate::{EstateBuilder, ScanOptions, Silent};
/// use castellan_testkit::MemorySystem;
///
/// let options = ScanOptions::default();
/// let mut builder = EstateBuilder::new(&options);
/// let system = MemorySystem::default().with_file("empty.json", "[]");
/// builder.read(&system, &["empty.json".into()], &Silent);
/// builder.add_text("role.json", r#"[{"id": "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/r"}]"#);
/// let estate = builder.finish();
/// assert_eq!(estate.inputs.len(), 2);
/// assert_eq!(estate.of_type("Microsoft.Authorization/roleAssignments").count(), 1);
/// ```
pub struct EstateBuilder<'o> {
    options: &'o ScanOptions,
    estate: Estate,
    collector: Collector,
    templates: Vec<PendingTemplate>,
    parameters: Vec<PendingParameters>,
    pages: Vec<Page>,
    names: FxHashMap<String, PathBuf>,
}

/// One page of an answer of Resource Graph.
struct Page {
    rows: u64,
    total: Option<u64>,
    truncated: bool,
    span: Span,
}

/// The file that a document stands in.
pub(crate) struct Place<'p> {
    pub(crate) input: usize,
    pub(crate) source: SourceId,
    pub(crate) folder: &'p Path,
    pub(crate) path: &'p Path,
    /// The file's path as a segment of resource ids, unique among the files.
    pub(crate) name: String,
    pub(crate) named: bool,
}

impl<'o> EstateBuilder<'o> {
    /// An empty estate.
    pub fn new(options: &'o ScanOptions) -> EstateBuilder<'o> {
        EstateBuilder {
            options,
            estate: Estate::default(),
            collector: Collector::default(),
            templates: Vec::new(),
            parameters: Vec::new(),
            pages: Vec::new(),
            names: FxHashMap::default(),
        }
    }

    /// Reads files and folders. Every file becomes an [`Input`]; whatever is wrong with one becomes a diagnostic and the
    /// rest is still read.
    pub fn read(&mut self, system: &dyn System, paths: &[PathBuf], progress: &dyn Progress) {
        let mut files = walk(system, paths, self.options.files, &mut self.estate.diagnostics);
        let named =
            walk(system, &self.options.parameters_files, self.options.files, &mut self.estate.diagnostics);
        files.retain(|file| named.iter().all(|other| other.path != file.path));
        files.extend(named);
        let total = files.len();
        let mut bytes_left = self.options.total_bytes;
        for (done, file) in files.iter().enumerate() {
            progress.step(done, Some(total), &file.path.to_string_lossy());
            self.file(system, file, &mut bytes_left);
        }
        progress.step(total, Some(total), "files read");
    }

    /// Adds one document by its text. It is read like a file of that name.
    pub fn add_text(&mut self, path: &str, text: &str) {
        let file = Found {
            path: path.into(),
            relative: path.to_owned(),
            folder: Path::new(path).parent().unwrap_or(Path::new("")).to_owned(),
            named: true,
        };
        self.text(&file, text.to_owned());
    }

    /// Adds resources that were collected by other means, each as Resource Manager returns it, with what is known about
    /// the completeness of lists.
    pub fn add_documents(&mut self, name: &str, documents: &[Node], coverage: Vec<Coverage>) {
        let input = self.input(name, InputKind::Live, None);
        for document in documents {
            if !self.add_row(input, document, Origin::Live) {
                let message = "an answer is neither a resource nor a document of Azure Policy";
                self.estate.diagnostics.push(Diagnostic::warning(document.span, message));
            }
        }
        for statement in coverage {
            let key = (statement.parent.clone(), statement.resource_type.to_ascii_lowercase());
            self.estate.listed.insert(key, statement);
        }
    }

    /// Adds what was collected from a live subscription or tenant, with what could not be read as diagnostics.
    pub fn add_live(&mut self, name: &str, collected: &crate::live::Collected) {
        let (nodes, diagnostics) = collected.nodes(&mut self.estate.sources, &self.options.limits);
        self.add_documents(name, &nodes, collected.coverage.clone());
        self.add_diagnostics(diagnostics.into_iter().chain(collected.diagnostics()));
    }

    /// Adds messages from elsewhere, for example of a live collection.
    pub fn add_diagnostics(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.estate.diagnostics.extend(diagnostics);
    }

    /// Expands templates, merges, derives, indexes and relates.
    pub fn finish(mut self) -> Estate {
        self.expand_templates();
        self.report_missing_pages();
        let mut estate = self.estate;
        estate.resources = self.collector.finish();
        estate.index.extend(&estate.resources);
        let plain = relations::of_resources(&estate, &estate.resources);
        estate.index.relate(&plain);
        estate.relations = plain;
        let derived = derive::all(&estate, self.options);
        let first_derived = estate.resources.len();
        estate.resources.extend(derived);
        estate.index.extend(&estate.resources);
        let newer = estate.resources.get(first_derived..).unwrap_or_default();
        let more = relations::of_resources(&estate, newer);
        estate.relations.extend(more);
        relations::sort(&mut estate.relations);
        estate.index.relate(&estate.relations);
        estate
    }

    fn input(&mut self, path: &str, kind: InputKind, source: Option<SourceId>) -> usize {
        self.estate.inputs.push(Input {
            path: path.into(),
            kind,
            resources: 0,
            documents: 0,
            source,
            note: String::new(),
            next_step: String::new(),
        });
        self.estate.inputs.len() - 1
    }

    fn describe(&mut self, input: usize, change: impl FnOnce(&mut Input)) {
        if let Some(input) = self.estate.inputs.get_mut(input) {
            change(input);
        }
    }

    fn refuse(&mut self, input: usize, refusal: Refusal) {
        self.describe(input, |input| {
            input.kind = InputKind::Unsupported;
            input.note = refusal.note;
            input.next_step = refusal.next_step;
        });
    }

    fn broken(&mut self, input: usize, diagnostic: Diagnostic) {
        let note = diagnostic.message.clone();
        self.estate.diagnostics.push(diagnostic);
        self.describe(input, |input| {
            input.kind = InputKind::Broken;
            input.note = note;
        });
    }

    fn file(&mut self, system: &dyn System, file: &Found, bytes_left: &mut u64) {
        let path = file.path.to_string_lossy().into_owned();
        if let Some(refusal) =
            crate::sniff::by_name(&file.path).filter(|_| !file.named || is_source(&file.path))
        {
            let input = self.input(&path, InputKind::Unsupported, None);
            self.refuse(input, refusal);
            return;
        }
        let limit = self.options.limits.bytes.min(*bytes_left);
        let bytes = match system.read(&file.path, limit) {
            Ok(bytes) => bytes,
            Err(error) => {
                let input = self.input(&path, InputKind::Broken, None);
                let message = format!("`{path}` cannot be read: {error}");
                self.broken(input, Diagnostic::error(Span::NONE, message));
                return;
            }
        };
        *bytes_left = bytes_left.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        match decode(bytes) {
            Ok(text) => self.text(file, text),
            Err(DecodeError::Binary) => {
                let input = self.input(&path, InputKind::Unsupported, None);
                self.refuse(input, Refusal::new("a binary file", ""));
            }
            Err(DecodeError::NotUtf8(offset)) => {
                let input = self.input(&path, InputKind::Broken, None);
                let message = format!("`{path}` is not UTF-8 at byte {offset}");
                let help = "save it as UTF-8";
                self.broken(input, Diagnostic::error(Span::NONE, message).with_help(help));
            }
        }
    }

    fn text(&mut self, file: &Found, text: String) {
        let path = file.path.to_string_lossy().into_owned();
        let form = sniff(&file.path, &text);
        if let Form::Refused(refusal) = form {
            let input = self.input(&path, InputKind::Unsupported, None);
            self.refuse(input, refusal);
            return;
        }
        let text: Arc<str> = text.into();
        let source = self.estate.sources.add(path.as_str(), Arc::clone(&text));
        let input = self.input(&path, InputKind::Unsupported, Some(source));
        let parsed = match form {
            Form::Json => self.parse_json(&text, source),
            _ => yaml::parse_all(&text, source, &self.options.limits),
        };
        let documents = match parsed {
            Ok(documents) => documents,
            Err(diagnostic) => {
                self.broken(input, diagnostic);
                return;
            }
        };
        let name = self.unique_name(file);
        let folder = file.folder.as_path();
        let place = Place { input, source, folder, path: &file.path, name, named: file.named };
        self.documents(&place, documents);
    }

    /// One JSON document, or one a line.
    fn parse_json(&mut self, text: &str, source: SourceId) -> Result<Vec<Node>, Diagnostic> {
        match json::parse(text, source, &self.options.limits) {
            Ok(document) => Ok(vec![document]),
            Err(diagnostic) => crate::sniff::json_lines(text, source, &self.options.limits).ok_or(diagnostic),
        }
    }

    /// A file's path below the folder that was asked for, unless another file has the same; then its whole path.
    fn unique_name(&mut self, file: &Found) -> String {
        let known = self.names.entry(file.relative.clone()).or_insert_with(|| file.path.clone());
        let name = if *known == file.path {
            file.relative.clone()
        } else {
            file.path.to_string_lossy().into_owned()
        };
        crate::shape::segment(&name)
    }

    fn documents(&mut self, place: &Place<'_>, documents: Vec<Node>) {
        let mut kinds = Vec::new();
        let mut loose = Vec::new();
        let mut refusal = None;
        for document in documents {
            match recognise(&document) {
                Recognised::Unknown if document.is_null() => {}
                Recognised::Unknown => {
                    let note = "holds nothing that Castellan knows how to scan";
                    refusal.get_or_insert(Refusal::new(note, ""));
                }
                Recognised::Unsupported(known) => refusal = Some(known),
                // Lines of JSON are one export, not as many exports as lines.
                Recognised::Rows(rows) if !rows.is_graph && rows.next_link.is_none() && !rows.truncated => {
                    loose.extend(rows.rows);
                    kinds.push(InputKind::Resources);
                }
                recognised => kinds.extend(self.document(place, document, recognised)),
            }
        }
        if kinds.contains(&InputKind::Resources) && !kinds.contains(&InputKind::ResourceGraph) {
            let kind = self.rows(place, &loose);
            kinds.retain(|kind| *kind != InputKind::Resources);
            kinds.extend(kind);
        }
        match (kinds.first(), refusal) {
            (Some(kind), _) => self.describe(place.input, |input| input.kind = *kind),
            (None, Some(refusal)) => self.refuse(place.input, refusal),
            (None, None) => {
                self.refuse(place.input, Refusal::new("holds nothing that Castellan knows how to scan", ""))
            }
        }
    }

    fn document(&mut self, place: &Place<'_>, document: Node, what: Recognised) -> Option<InputKind> {
        match what {
            Recognised::Template => {
                let stem = parameters::stem(place.path);
                let folder = place.folder.to_owned();
                self.templates.push(PendingTemplate { input: place.input, document, folder, stem });
                Some(InputKind::ArmTemplate)
            }
            Recognised::Parameters => {
                self.parameters.push(PendingParameters {
                    input: place.input,
                    document,
                    folder: place.folder.to_owned(),
                    stem: parameters::stem(place.path),
                    named: place.named,
                    used: false,
                });
                self.describe(place.input, |input| input.documents += 1);
                Some(InputKind::ArmParameters)
            }
            Recognised::Terraform => {
                let expansion = castellan_arm::terraform::expand(&document, &self.options.context);
                self.estate.diagnostics.extend(expansion.diagnostics);
                let is_plan =
                    document.get("planned_values").is_some() || document.get("resource_changes").is_some();
                self.add_all(place.input, expansion.resources);
                Some(if is_plan { InputKind::TerraformPlan } else { InputKind::TerraformState })
            }
            Recognised::Rows(rows) => self.page(place, rows),
            Recognised::Kubernetes => {
                for resource in kubernetes::objects(&document) {
                    let resource = self.apart(place, resource);
                    self.add(place.input, resource);
                }
                Some(InputKind::Kubernetes)
            }
            Recognised::Agent => {
                let resource = agents::definition(&document, &place.name);
                self.add(place.input, resource);
                Some(InputKind::Agents)
            }
            Recognised::Mcp => {
                let resource = mcp::configuration(&document, &place.name);
                self.add(place.input, resource);
                Some(InputKind::Mcp)
            }
            Recognised::Unsupported(_) | Recognised::Unknown => None,
        }
    }

    /// A manifest's object, under its file's name when another file describes an object of the same name: two
    /// environments, not one object.
    fn apart(&self, place: &Place<'_>, mut resource: Resource) -> Resource {
        if self.collector.is_taken(&resource.id, crate::World::File, place.source) {
            let text = format!("{}/files/{}{}", crate::FILES, place.name, resource.id.as_str());
            if let Ok(id) = text.parse() {
                resource.id = id;
            }
        }
        resource
    }

    fn page(&mut self, place: &Place<'_>, rows: Rows) -> Option<InputKind> {
        let span = rows.rows.first().map_or(Span::new(place.source, 0, 0), |row| row.span);
        if let Some(link) = &rows.next_link {
            let message = "this list goes on: `nextLink` names another page";
            let next = format!("az rest --method get --url \"{link}\"");
            self.estate.diagnostics.push(Diagnostic::warning(span, message).with_help(next));
        }
        if rows.is_graph {
            let count = u64::try_from(rows.rows.len()).unwrap_or(u64::MAX);
            self.pages.push(Page { rows: count, total: rows.total, truncated: rows.truncated, span });
        } else if rows.truncated {
            let message = "this list goes on: `has_more` is true";
            self.estate.diagnostics.push(Diagnostic::warning(span, message));
        }
        let kind = self.rows(place, &rows.rows);
        if rows.is_graph { Some(InputKind::ResourceGraph) } else { kind }
    }

    /// Takes in rows and says what they mostly are.
    fn rows(&mut self, place: &Place<'_>, rows: &[Node]) -> Option<InputKind> {
        if rows.is_empty() {
            self.describe(place.input, |input| input.note = "the list is empty".to_owned());
            return Some(InputKind::Resources);
        }
        let mut tally = Tally::default();
        for node in rows {
            if crate::recognise::is_kubernetes(node) {
                for resource in kubernetes::objects(node) {
                    let resource = self.apart(place, resource);
                    self.add(place.input, resource);
                }
                tally.kubernetes += 1;
                continue;
            }
            let known = self.typed_row(place.input, node, Origin::Export, &mut tally);
            if !known && crate::recognise::is_agent(node) {
                self.add(place.input, agents::definition(node, &place.name));
                tally.agents += 1;
            } else if !known {
                tally.unknown += 1;
                tally.first_unknown.get_or_insert(node.span);
            }
        }
        self.report(place.input, &tally, rows.len());
        tally.kind()
    }

    fn add_row(&mut self, input: usize, node: &Node, origin: Origin) -> bool {
        self.typed_row(input, node, origin, &mut Tally::default())
    }

    fn typed_row(&mut self, input: usize, node: &Node, origin: Origin, tally: &mut Tally) -> bool {
        match row(node, origin) {
            Row::Resource(resource) => {
                tally.resources += 1;
                self.add(input, *resource);
            }
            Row::Bare(resource) => {
                tally.bare += 1;
                tally.example.get_or_insert_with(|| resource.id.as_str().to_owned());
                self.add(input, *resource);
            }
            Row::Flattened(resource) => {
                tally.flattened.get_or_insert(node.span);
                tally.resources += 1;
                tally.example.get_or_insert_with(|| resource.id.as_str().to_owned());
                self.add(input, *resource);
            }
            Row::Role(resource) => {
                tally.roles += 1;
                self.add(input, *resource);
            }
            Row::Governance(document) => {
                tally.governance += 1;
                self.estate.governance.push(*document);
                self.describe(input, |input| input.documents += 1);
            }
            Row::Other => return false,
        }
        true
    }

    fn report(&mut self, input: usize, tally: &Tally, rows: usize) {
        if let Some(span) = tally.first_unknown.filter(|_| tally.unknown < rows) {
            let message = format!(
                "{} of {rows} entries are nothing that Castellan knows; the first stands here",
                tally.unknown
            );
            self.estate.diagnostics.push(Diagnostic::warning(span, message));
        }
        let example = tally.example.as_deref().unwrap_or("ID");
        if let Some(span) = tally.flattened {
            let message = "these resources are in the flattened form of an `az` command, whose names differ from the \
                           REST API's; their properties count as not collected";
            let next = format!("az resource show --ids {example}");
            self.estate.diagnostics.push(Diagnostic::warning(span, message).with_help(next));
        }
        if tally.bare > 0 {
            let note = format!("{} resources come without their properties", tally.bare);
            let next = format!("az resource show --ids {example}");
            self.describe(input, |input| {
                input.note = note;
                input.next_step = next;
            });
        }
    }

    fn add_all(&mut self, input: usize, resources: Vec<Resource>) {
        for resource in resources {
            self.add(input, resource);
        }
    }

    fn add(&mut self, input: usize, resource: Resource) {
        self.describe(input, |input| input.resources += 1);
        if resource.origin.is_declared() {
            // What a template assigns will hold once it is deployed.
            self.estate.governance.extend(crate::rows::governance(&resource.body));
        }
        self.collector.add(resource);
    }

    fn expand_templates(&mut self) {
        for template in std::mem::take(&mut self.templates) {
            let (position, note) = parameters::choose(&template, &self.parameters);
            self.estate.diagnostics.extend(note);
            let mut chosen = position.and_then(|position| self.parameters.get_mut(position));
            if let Some(file) = &mut chosen {
                file.used = true;
            }
            let values = chosen.map(|file| &file.document);
            let expansion = castellan_arm::expand_template(&template.document, values, &self.options.context);
            self.estate.diagnostics.extend(expansion.diagnostics);
            self.add_all(template.input, expansion.resources);
        }
        for file in std::mem::take(&mut self.parameters) {
            if !file.used {
                let message = "these parameters belong to no template that was read";
                self.estate.diagnostics.push(
                    Diagnostic { level: Level::Warning, ..Diagnostic::error(file.document.span, message) }
                        .with_help("scan them together with their template"),
                );
                self.describe(file.input, |input| {
                    input.note = "belongs to no template that was read".to_owned()
                });
            }
        }
    }

    /// Pages of one query carry the same total. Where the pages that were read do not add up to it, rows are missing.
    fn report_missing_pages(&mut self) {
        let mut sums: FxHashMap<u64, u64> = FxHashMap::default();
        for page in &self.pages {
            if let Some(total) = page.total {
                *sums.entry(total).or_default() += page.rows;
            }
        }
        for page in std::mem::take(&mut self.pages) {
            let read = page.total.and_then(|total| sums.remove(&total).map(|read| (read, total)));
            let message = match (page.total, read) {
                (Some(_), Some((read, total))) if read < total => {
                    format!("only {read} of {total} rows of this query were read")
                }
                (None, _) if page.truncated => {
                    "this answer is truncated and says that more rows follow".to_owned()
                }
                _ => continue,
            };
            let help = "repeat `az graph query` with `--skip-token` until none is returned, and scan all pages together";
            self.estate.diagnostics.push(Diagnostic::warning(page.span, message).with_help(help));
        }
    }
}

/// Formats that are refused by name even when the user names the file, because a tool has to translate them first.
fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        ["bicep", "bicepparam", "tf", "tfvars", "tfplan"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// What the rows of one file are.
#[derive(Default)]
struct Tally {
    resources: usize,
    bare: usize,
    roles: usize,
    governance: usize,
    kubernetes: usize,
    agents: usize,
    unknown: usize,
    first_unknown: Option<Span>,
    flattened: Option<Span>,
    example: Option<String>,
}

impl Tally {
    fn kind(&self) -> Option<InputKind> {
        let counts = [
            (self.resources, InputKind::Resources),
            (self.bare, InputKind::Inventory),
            (self.roles, InputKind::Roles),
            (self.governance, InputKind::Governance),
            (self.kubernetes, InputKind::Kubernetes),
            (self.agents, InputKind::Agents),
        ];
        counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .max_by_key(|(count, _)| *count)
            .map(|(_, kind)| kind)
    }
}
