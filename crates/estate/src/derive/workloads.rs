//! `Castellan.AI/workloads`: model serving on Kubernetes.

use castellan_base::{Node, Origin, Resource, Span, Value};

use super::mcp::{is_literal, is_secret_name};
use crate::estate::Estate;
use crate::shape::{ObjectBuilder, derived, items, text};

/// Serving runtimes by what their images' names contain, most telling first.
const IMAGES: &[(&str, &[&str])] = &[
    ("tei", &["text-embeddings-inference"]),
    ("tgi", &["text-generation-inference", "text-generation-launcher"]),
    ("vllm", &["vllm"]),
    ("sglang", &["sglang"]),
    ("ollama", &["ollama"]),
    ("triton", &["tritonserver"]),
    ("llama-cpp", &["llama.cpp", "llama-cpp", "llamacpp"]),
    ("ray", &["rayproject/", "ray-llm", "ray-ml"]),
    ("seldon", &["seldonio/", "mlserver"]),
    ("kserve", &["kserve/"]),
];

/// Kinds that serve models by their nature.
const KINDS: &[(&str, &str)] = &[
    ("Kubernetes/serving.kserve.io/InferenceService", "kserve"),
    ("Kubernetes/serving.kserve.io/LLMInferenceService", "kserve"),
    ("Kubernetes/ray.io/RayService", "ray"),
    ("Kubernetes/machinelearning.seldon.io/SeldonDeployment", "seldon"),
    ("Kubernetes/mlops.seldon.io/Model", "seldon"),
];

/// The runtime that an image is known to hold.
pub(crate) fn runtime_of_image(image: &str) -> Option<&'static str> {
    let image = image.to_ascii_lowercase();
    let row = IMAGES.iter().find(|(_, words)| words.iter().any(|word| image.contains(word)));
    row.map(|(runtime, _)| *runtime)
}

pub(super) fn derive(estate: &Estate, resource: &Resource, into: &mut Vec<Resource>) {
    if resource.origin != Origin::Kubernetes {
        return;
    }
    let Some(manifest) = resource.at_path("properties") else { return };
    let by_kind = KINDS.iter().find(|(kind, _)| resource.is_type(kind)).map(|(_, runtime)| *runtime);
    let pod = pod(manifest);
    let containers: Vec<&Node> =
        pod.spec.map_or_else(Vec::new, |spec| items(spec, "containers").iter().collect());
    let serving = containers.iter().find_map(|container| {
        let by_image = text(container, "image").and_then(runtime_of_image);
        by_image.or_else(|| runtime_of_command(container)).map(|runtime| (*container, runtime))
    });
    let gpu_container = containers.iter().copied().find(|container| gpus(container) > 0);
    let (container, runtime) = match (serving, by_kind, gpu_container) {
        (Some((container, _)), Some(runtime), _) => (Some(container), runtime),
        (Some((container, runtime)), None, _) => (Some(container), runtime),
        (None, Some(runtime), _) => (containers.first().copied().or(pod.predictor), runtime),
        (None, None, Some(container)) => (Some(container), "other"),
        (None, None, None) => return,
    };
    let workload =
        Workload { estate, resource, manifest, spec: pod.spec, labels: pod.labels, container, runtime };
    let properties = workload.describe();
    into.push(derived(resource, "workloads", resource.name(), properties));
}

/// Where a manifest keeps its pods.
struct Pod<'n> {
    spec: Option<&'n Node>,
    labels: Option<&'n Node>,
    /// KServe's `predictor.model`, which takes the place of a container.
    predictor: Option<&'n Node>,
}

fn pod(manifest: &Node) -> Pod<'_> {
    let paths = [
        ("spec.template.spec", "spec.template.metadata.labels"),
        ("spec.jobTemplate.spec.template.spec", "spec.jobTemplate.spec.template.metadata.labels"),
        (
            "spec.rayClusterConfig.headGroupSpec.template.spec",
            "spec.rayClusterConfig.headGroupSpec.template.metadata.labels",
        ),
        ("spec.headGroupSpec.template.spec", "spec.headGroupSpec.template.metadata.labels"),
        ("spec.predictor.podSpec", "metadata.labels"),
        ("spec.predictor", "metadata.labels"),
    ];
    let found =
        paths.iter().find(|(path, _)| manifest.at_path(path).is_some_and(|node| node.as_object().is_some()));
    let is_pod = text(manifest, "kind") == Some("Pod");
    let seldon = items(manifest, "spec.predictors").first();
    let graph = seldon
        .and_then(|predictor| items(predictor, "componentSpecs").first())
        .and_then(|part| part.get("spec"));
    let (spec, labels) = match found {
        Some((spec, labels)) => (manifest.at_path(spec), manifest.at_path(labels)),
        None if is_pod => (manifest.get("spec"), manifest.at_path("metadata.labels")),
        None => (graph, manifest.at_path("metadata.labels")),
    };
    let predictor = manifest.at_path("spec.predictor.model").or_else(|| manifest.at_path("spec.model"));
    let graph_model = seldon.and_then(|predictor| predictor.get("graph"));
    Pod {
        spec,
        labels,
        predictor: predictor.or(graph_model).or(if manifest.at_path("spec.storageUri").is_some() {
            manifest.get("spec")
        } else {
            None
        }),
    }
}

/// The container's command line, word by word. A shell script is split as well, since servers are often started from one.
fn words(container: &Node) -> Vec<&str> {
    let both = items(container, "command").iter().chain(items(container, "args"));
    both.filter_map(Node::as_str).flat_map(str::split_whitespace).collect()
}

fn runtime_of_command(container: &Node) -> Option<&'static str> {
    let line = words(container).join(" ");
    let marks = [
        ("vllm serve", "vllm"),
        ("vllm.entrypoints", "vllm"),
        ("text-generation-launcher", "tgi"),
        ("text-embeddings-router", "tei"),
        ("ollama serve", "ollama"),
        ("tritonserver", "triton"),
        ("sglang.launch_server", "sglang"),
        ("llama-server", "llama-cpp"),
        ("serve run", "ray"),
    ];
    marks.iter().find(|(mark, _)| line.contains(mark)).map(|(_, runtime)| *runtime)
}

fn unread_image(span: Span) -> Node {
    let next_step = "kubectl get servingruntimes,clusterservingruntimes -A -o yaml";
    crate::shape::not_collected("the image of the serving runtime", next_step, span)
}

fn gpus(container: &Node) -> i64 {
    let count = |section: &str| {
        let resources = container.at_path(&format!("resources.{section}")).and_then(Node::as_object);
        let gpu = |name: &str| {
            name.ends_with("/gpu") || name.contains("nvidia.com/mig") || name.ends_with("/gpu.shared")
        };
        let number = |node: &Node| node.as_i64().or_else(|| node.as_str().and_then(|text| text.parse().ok()));
        resources
            .into_iter()
            .flatten()
            .filter(|member| gpu(&member.key))
            .filter_map(|member| number(&member.value))
            .sum()
    };
    let limits: i64 = count("limits");
    limits.max(count("requests"))
}

struct Workload<'e> {
    estate: &'e Estate,
    resource: &'e Resource,
    manifest: &'e Node,
    spec: Option<&'e Node>,
    labels: Option<&'e Node>,
    container: Option<&'e Node>,
    runtime: &'static str,
}

impl Workload<'_> {
    fn describe(&self) -> Node {
        let span = self.container.map_or(self.resource.span, |container| container.span);
        let image = self.container.and_then(|container| container.get("image"));
        let object = ObjectBuilder::at(span).text("runtime", self.runtime).copy("image", image);
        let mut object = match image.and_then(Node::as_str) {
            Some(image) => {
                object.flag("imagePinned", image.contains("@sha256:")).text_if("imageTag", tag(image))
            }
            // A KServe predictor can leave the image to a serving runtime of the cluster.
            None => object.set("imagePinned", unread_image(span)),
        };
        let containers = self.spec.map_or(&[][..], |spec| items(spec, "containers"));
        let gpu = containers.iter().map(gpus).sum::<i64>().max(self.container.map_or(0, gpus));
        object = object
            .number("gpu", gpu)
            .set("exposure", self.exposure(span))
            .flag("authentication", self.authenticates());
        let account =
            self.spec.and_then(|spec| text(spec, "serviceAccountName").or(text(spec, "serviceAccount")));
        object = object
            .text("serviceAccount", account.unwrap_or("default"))
            .flag("automountsToken", self.automounts(account.unwrap_or("default")))
            .set("runsAsRoot", self.runs_as_root(span))
            .flag("privileged", self.security("privileged").and_then(|flag| flag.as_bool()).unwrap_or(false));
        if let Some(model) = self.model() {
            object = object.flag("modelPinned", self.is_model_pinned(&model)).text("model", model);
        }
        object
            .flag("trustsRemoteCode", self.words().iter().any(|word| is_trust(word)))
            .text("namespace", self.namespace())
            .flag("networkPolicy", self.has_network_policy())
            .flag("storesSecretInEnv", self.stores_secret())
            .build()
    }

    fn namespace(&self) -> &str {
        text(self.manifest, "metadata.namespace").unwrap_or("default")
    }

    fn words(&self) -> Vec<&str> {
        self.container.map(words).unwrap_or_default()
    }

    /// A setting of the container's security context, or of the pod's.
    fn security(&self, name: &str) -> Option<&Node> {
        let of = |node: &'_ Node| node.get("securityContext").and_then(|context| context.get(name)).is_some();
        let holder = self.container.filter(|node| of(node)).or(self.spec)?;
        holder.get("securityContext")?.get(name)
    }

    /// Without a user in the manifest the image decides, which was not read.
    fn runs_as_root(&self, span: Span) -> Node {
        if let Some(user) = self.security("runAsUser") {
            return Value::Bool(user.as_i64() == Some(0)).at(user.span);
        }
        match self.security("runAsNonRoot").and_then(Node::as_bool) {
            Some(true) => Value::Bool(false).at(span),
            _ => {
                crate::shape::not_collected("the user in the image", "set securityContext.runAsNonRoot", span)
            }
        }
    }

    fn automounts(&self, account: &str) -> bool {
        let own = self.spec.and_then(|spec| spec.get("automountServiceAccountToken")).and_then(Node::as_bool);
        own.unwrap_or_else(|| {
            let accounts = self.neighbours("Kubernetes/core/ServiceAccount");
            let found = accounts.into_iter().find(|other| other.name() == account);
            let flag = found.and_then(|other| other.at_path("properties.automountServiceAccountToken"));
            flag.and_then(Node::as_bool).unwrap_or(true)
        })
    }

    /// Objects of a type in the same namespace.
    fn neighbours(&self, resource_type: &str) -> Vec<&Resource> {
        let namespace = self.namespace();
        let all = self.estate.of_type(resource_type);
        all.filter(|other| {
            other.at_path("properties.metadata.namespace").and_then(Node::as_str).unwrap_or("default")
                == namespace
        })
        .collect()
    }

    fn services(&self) -> Vec<&Resource> {
        let selects = |service: &&Resource| {
            let selector = service.at_path("properties.spec.selector").and_then(Node::as_object);
            selector.is_some_and(|selector| {
                !selector.is_empty()
                    && selector.iter().all(|wanted| {
                        self.labels
                            .and_then(|labels| labels.get(&wanted.key))
                            .is_some_and(|label| label.value == wanted.value.value)
                    })
            })
        };
        self.neighbours("Kubernetes/core/Service").into_iter().filter(selects).collect()
    }

    /// How far the workload can be reached: the widest of its services, ingresses and routes.
    fn exposure(&self, span: Span) -> Node {
        if matches!(self.runtime, "kserve" | "seldon") && self.services().is_empty() {
            // The controller makes a route through the cluster's gateway, which was not read.
            let label = self
                .manifest
                .at_path("metadata.labels")
                .and_then(|labels| labels.get("networking.knative.dev/visibility"));
            if label.and_then(Node::as_str) == Some("cluster-local") {
                return Value::string("cluster").at(span);
            }
            let hint = "kubectl get inferenceservices,gateways,services -A -o yaml";
            return crate::shape::not_collected("the gateway that leads here", hint, span);
        }
        let widest = self.services().into_iter().map(|service| self.service_exposure(service)).max();
        let exposure = match widest.unwrap_or(0) {
            0 => "none",
            1 => "cluster",
            2 => "internal",
            _ => "internet",
        };
        Value::string(exposure).at(span)
    }

    fn service_exposure(&self, service: &Resource) -> u8 {
        let kind = service.at_path("properties.spec.type").and_then(Node::as_str).unwrap_or("ClusterIP");
        let annotations = service.at_path("properties.metadata.annotations");
        let internal = annotations.and_then(Node::as_object).into_iter().flatten().any(|member| {
            member.key.contains("load-balancer")
                && member.key.contains("internal")
                && member.value.as_str() != Some("false")
        });
        let own = match kind {
            "LoadBalancer" if internal => 2,
            "LoadBalancer" => 3,
            "NodePort" => 2,
            _ => 1,
        };
        if self.is_routed(service.name()) { 3 } else { own }
    }

    /// True when an ingress or a route leads to the service.
    fn is_routed(&self, service: &str) -> bool {
        let kinds = [
            "Kubernetes/networking.k8s.io/Ingress",
            "Kubernetes/gateway.networking.k8s.io/HTTPRoute",
            "Kubernetes/gateway.networking.k8s.io/GRPCRoute",
            "Kubernetes/route.openshift.io/Route",
            "Kubernetes/networking.istio.io/VirtualService",
        ];
        let spec_names = |resource: &&Resource| {
            resource.at_path("properties.spec").is_some_and(|spec| names_service(spec, service, 0))
        };
        kinds.iter().any(|kind| self.neighbours(kind).iter().any(spec_names))
    }

    /// True when the server itself asks for a key, or the one in front of it does.
    fn authenticates(&self) -> bool {
        let variables = self.container.map_or(&[][..], |container| items(container, "env"));
        let names = ["VLLM_API_KEY", "API_KEY", "LLAMA_API_KEY", "SGLANG_API_KEY"];
        self.words().iter().any(|word| word.starts_with("--api-key") || word.starts_with("--api-tokens"))
            || variables
                .iter()
                .any(|variable| text(variable, "name").is_some_and(|name| names.contains(&name)))
    }

    fn model(&self) -> Option<String> {
        let storage = ["storageUri", "modelUri", "model_uri"];
        let container = self.container?;
        if let Some(uri) = storage.iter().find_map(|key| text(container, key)) {
            return Some(uri.to_owned());
        }
        let predictor = ["spec.predictor.model.storageUri", "spec.model.uri", "spec.storageUri"];
        if let Some(uri) = predictor.iter().find_map(|path| text(self.manifest, path)) {
            return Some(uri.to_owned());
        }
        let words = self.words();
        let flags = [
            "--model",
            "--model-id",
            "--model-path",
            "--model-repository",
            "--served-model",
            "-m",
            "--hf-repo",
        ];
        for (position, word) in words.iter().enumerate() {
            let next = || {
                words.get(position + 1).filter(|next| !next.starts_with('-')).map(|next| (*next).to_owned())
            };
            match word.split_once('=') {
                Some((flag, value)) if flags.contains(&flag) => return Some(value.to_owned()),
                None if flags.contains(word) => return next(),
                None if *word == "serve" && self.runtime == "vllm" => return next(),
                _ => {}
            }
        }
        let variables = ["MODEL_ID", "MODEL_NAME", "MODEL", "HF_MODEL_ID", "OLLAMA_MODEL"];
        let named = |variable: &&Node| text(variable, "name").is_some_and(|name| variables.contains(&name));
        items(container, "env")
            .iter()
            .find(named)
            .and_then(|variable| text(variable, "value"))
            .map(str::to_owned)
    }

    /// A revision, or a place in storage that carries a version or a digest.
    fn is_model_pinned(&self, model: &str) -> bool {
        let revision = self.words().iter().any(|word| word.starts_with("--revision"));
        let is_hash = |part: &str| part.len() >= 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let last = model.rsplit(['/', '@', ':']).next().unwrap_or_default();
        let versioned = model.contains("://")
            && last.trim_start_matches('v').starts_with(|first: char| first.is_ascii_digit());
        revision || is_hash(last) || model.contains("sha256") || versioned
    }

    fn has_network_policy(&self) -> bool {
        let applies = |policy: &&Resource| {
            let selector =
                policy.at_path("properties.spec.podSelector.matchLabels").and_then(Node::as_object);
            selector.is_none_or(|selector| {
                selector.iter().all(|wanted| {
                    self.labels
                        .and_then(|labels| labels.get(&wanted.key))
                        .is_some_and(|label| label.value == wanted.value.value)
                })
            })
        };
        self.neighbours("Kubernetes/networking.k8s.io/NetworkPolicy").iter().any(applies)
    }

    fn stores_secret(&self) -> bool {
        let containers = self.spec.map_or(&[][..], |spec| items(spec, "containers"));
        containers.iter().chain(self.container).flat_map(|container| items(container, "env")).any(
            |variable| {
                let name = text(variable, "name").unwrap_or_default();
                is_secret_name(name) && text(variable, "value").is_some_and(is_literal)
            },
        )
    }
}

fn is_trust(word: &str) -> bool {
    word == "--trust-remote-code" || word == "--trust-remote-code=true" || word == "--trust_remote_code"
}

/// The tag of an image; `latest` when it names neither a tag nor a digest.
fn tag(image: &str) -> Option<&str> {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let last = name.rsplit('/').next().unwrap_or(name);
    match (last.split_once(':'), digest) {
        (Some((_, tag)), _) => Some(tag),
        (None, None) => Some("latest"),
        (None, Some(_)) => None,
    }
}

/// True when some backend in a route names the service.
fn names_service(node: &Node, service: &str, depth: u32) -> bool {
    if depth > 16 {
        return false;
    }
    if let Some(items) = node.as_array() {
        return items.iter().any(|item| names_service(item, service, depth + 1));
    }
    let Some(object) = node.as_object() else { return false };
    object.iter().any(|member| {
        let key = member.key.as_ref();
        let names = matches!(key, "name" | "serviceName" | "host")
            && member
                .value
                .as_str()
                .is_some_and(|text| text == service || text.split('.').next() == Some(service));
        names || names_service(&member.value, service, depth + 1)
    })
}
