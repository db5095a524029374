//! Reading `model.onnx`: whether it is an encoder's graph, and what goes into it.

use std::collections::HashMap;

use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Size;
use tract_onnx::pb::type_proto::Value as Kind;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use tract_onnx::prelude::{DatumType, Framework, InferenceModel};

/// Operators that encoders are made of. What repeats, chooses or draws lots is none of them.
const OPERATORS: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "Cast",
    "CastLike",
    "Ceil",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "Cos",
    "CumSum",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "DynamicQuantizeLinear",
    "Einsum",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "GatherElements",
    "GatherND",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LayerNormalization",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "LogSoftmax",
    "MatMul",
    "MatMulInteger",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "OneHot",
    "Or",
    "Pow",
    "QLinearMatMul",
    "QuantizeLinear",
    "RMSNormalization",
    "Range",
    "Reciprocal",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "Relu",
    "Reshape",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Shape",
    "Sigmoid",
    "Sign",
    "Sin",
    "Slice",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Tanh",
    "Tile",
    "Transpose",
    "Trilu",
    "Unsqueeze",
    "Where",
];
/// Operators whose output is as large as a number that goes in says.
const GROWING: &[&str] = &["ConstantOfShape", "Expand", "OneHot", "Range", "Tile"];
/// Most nodes of a graph.
const MOST_NODES: usize = 50_000;
/// Most elements that a constant may ask a growing operator for.
const MOST_ELEMENTS: i64 = 1 << 26;

/// What goes into a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Numbers of tokens.
    Ids,
    /// 1 where there is a token, 0 where it is padded.
    Mask,
    /// Which of two texts a token belongs to.
    Types,
}

/// A graph that was read.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) model: InferenceModel,
    /// What goes in, in the model's order, as numbers of this kind.
    pub(crate) inputs: Vec<(Input, DatumType)>,
    /// How many tokens a text has, where the model takes no other number.
    pub(crate) fixed: Option<usize>,
}

impl Graph {
    /// Reads a model.
    pub(crate) fn read(bytes: &[u8]) -> Result<Graph, String> {
        crate::guarded(|| {
            let onnx = tract_onnx::onnx();
            let mut proto = onnx
                .proto_model_for_read(&mut &*bytes)
                .map_err(|error| format!("it is no ONNX model: {error:#}"))?;
            let (inputs, fixed) = prepare(&mut proto)?;
            let model = onnx.model_for_proto_model(&proto).map_err(|error| format!("{error:#}"))?;
            Ok(Graph { model, inputs, fixed })
        })
    }
}

type Inputs = (Vec<(Input, DatumType)>, Option<usize>);

/// Checks a model and takes out what is not needed of it.
fn prepare(proto: &mut ModelProto) -> Result<Inputs, String> {
    let graph = proto.graph.as_mut().ok_or("it has no graph")?;
    check_nodes(graph)?;
    check_constants(graph)?;
    let given: Vec<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let (mut inputs, mut fixed) = (Vec::new(), None);
    for input in graph.input.iter().filter(|input| !given.contains(&input.name.as_str())) {
        let (kind, length) = shape(input)?;
        if length.is_some() && fixed.is_some() && length != fixed {
            return Err("its inputs have different lengths".to_owned());
        }
        fixed = fixed.or(length);
        let named = match input.name.as_str() {
            "input_ids" => Input::Ids,
            "attention_mask" => Input::Mask,
            "token_type_ids" => Input::Types,
            other => {
                return Err(format!(
                    "it has an input `{other}`; input_ids, attention_mask and token_type_ids are what can be given"
                ));
            }
        };
        inputs.push((named, kind));
    }
    for needed in [(Input::Ids, "input_ids"), (Input::Mask, "attention_mask")] {
        if inputs.iter().filter(|(input, _)| *input == needed.0).count() != 1 {
            return Err(format!("it needs an input `{}`", needed.1));
        }
    }
    choose_output(graph)?;
    // Shapes follow from those of the inputs; what a file claims beside them is not needed, and may be wrong.
    graph.value_info.clear();
    for value in graph.input.iter_mut().chain(&mut graph.output) {
        let Some(Kind::TensorType(tensor)) = value.r#type.as_mut().and_then(|kind| kind.value.as_mut())
        else {
            continue;
        };
        tensor.shape = None;
    }
    Ok((inputs, fixed))
}

/// Leaves one output: `logits`, or the only one.
fn choose_output(graph: &mut GraphProto) -> Result<(), String> {
    if graph.output.len() > 1 {
        graph.output.retain(|output| output.name == "logits");
    }
    let made = |name: &str| graph.node.iter().any(|node| node.output.iter().any(|output| output == name));
    match graph.output.as_slice() {
        [output] if made(&output.name) => Ok(()),
        _ => Err("it needs one output, or one that is called `logits`, made by a node".to_owned()),
    }
}

fn check_nodes(graph: &GraphProto) -> Result<(), String> {
    if graph.node.len() > MOST_NODES {
        return Err(format!("it has {} nodes, where {MOST_NODES} are the most", graph.node.len()));
    }
    for node in &graph.node {
        if !matches!(node.domain.as_str(), "" | "ai.onnx") {
            return Err(format!(
                "it uses `{}` of `{}`; export it again without optimisations for one runtime",
                node.op_type, node.domain
            ));
        }
        if !OPERATORS.contains(&node.op_type.as_str()) {
            return Err(format!("it uses the operator `{}`, which an encoder does not need", node.op_type));
        }
        if node.attribute.iter().any(|attribute| attribute.g.is_some()) {
            return Err(format!("its node `{}` has a graph within", node.name));
        }
    }
    Ok(())
}

/// Refuses data in other files, and constants that ask for more memory than an encoder needs.
fn check_constants(graph: &GraphProto) -> Result<(), String> {
    let within =
        graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.t.as_ref());
    let is_outside = |tensor: &TensorProto| tensor.data_location == Some(DataLocation::External as i32);
    if graph.initializer.iter().chain(within).any(is_outside) {
        return Err("its weights are in another file; export it as one file, with its data inside".to_owned());
    }
    let constant = |node: &NodeProto| {
        let tensor = node.attribute.iter().find_map(|attribute| attribute.t.as_ref())?;
        Some((node.output.first()?.clone(), elements(tensor)?))
    };
    let mut known: HashMap<String, i64> =
        graph.node.iter().filter(|node| node.op_type == "Constant").filter_map(constant).collect();
    known
        .extend(graph.initializer.iter().filter_map(|tensor| Some((tensor.name.clone(), elements(tensor)?))));
    for node in graph.node.iter().filter(|node| GROWING.contains(&node.op_type.as_str())) {
        let asked = node.input.iter().filter_map(|input| known.get(input)).max();
        if asked.is_some_and(|asked| *asked > MOST_ELEMENTS) {
            return Err(format!("its node `{}` makes a value that is too large", node.name));
        }
    }
    Ok(())
}

/// What a small constant of whole numbers comes to as a shape.
fn elements(tensor: &TensorProto) -> Option<i64> {
    const MOST: usize = 16;
    let whole = |bytes: &[u8]| bytes.try_into().map(i64::from_le_bytes).ok();
    // Numbers of 64 bits are what shapes are made of.
    let numbers: Vec<i64> = match tensor.int64_data.as_slice() {
        [] if tensor.raw_data.len() <= 8 * MOST => {
            tensor.raw_data.chunks_exact(8).filter_map(whole).collect()
        }
        numbers if numbers.len() <= MOST => numbers.to_vec(),
        _ => return None,
    };
    let is_whole = tensor.data_type == tract_onnx::pb::tensor_proto::DataType::Int64 as i32;
    is_whole.then(|| numbers.iter().fold(1_i64, |product, number| product.saturating_mul((*number).max(1))))
}

/// The kind of numbers of an input, and its length where that is fixed.
fn shape(input: &ValueInfoProto) -> Result<(DatumType, Option<usize>), String> {
    use tract_onnx::pb::tensor_proto::DataType;
    let told = |why: &str| format!("its input `{}` {why}", input.name);
    let kind = input.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let Some(Kind::TensorType(tensor)) = kind else { return Err(told("is no tensor")) };
    let kind = match DataType::try_from(tensor.elem_type) {
        Ok(DataType::Int64) => DatumType::I64,
        Ok(DataType::Int32) => DatumType::I32,
        _ => return Err(told("takes no whole numbers of 32 or 64 bits")),
    };
    let sizes: Vec<Option<i64>> =
        tensor.shape.iter().flat_map(|shape| &shape.dim).map(|dim| fixed(&dim.value)).collect();
    let [batch, length] = *sizes.as_slice() else { return Err(told("has not the shape [texts, tokens]")) };
    if batch.is_some_and(|batch| batch != 1) {
        return Err(told("takes more than one text at a time; export it for one, or for any number"));
    }
    match length.map(usize::try_from) {
        None => Ok((kind, None)),
        Some(Ok(length)) => Ok((kind, Some(length))),
        Some(Err(_)) => Err(told("has a length that is none")),
    }
}

/// A size that is a number; exporters write 0 or less where they mean any.
fn fixed(size: &Option<Size>) -> Option<i64> {
    match size {
        Some(Size::DimValue(size)) if *size > 0 => Some(*size),
        _ => None,
    }
}
