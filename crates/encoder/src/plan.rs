//! A graph for texts of one length, ready to run.

use castellan_shield::second::Fault;
use tract_onnx::prelude::{
    Arc, DatumType, InferenceModelExt, IntoRunnable, TValue, Tensor, TypedRunnableModel,
};
use tract_onnx::prelude::{InferenceFact, InferenceModel};

use crate::graph::Input;
use crate::tokens::Window;

/// Most elements of one value that flows through a graph: 1 GiB as single precision.
const LARGEST: usize = 1 << 28;

/// A graph for texts of one length.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Tokens of a text; shorter ones are padded.
    pub(crate) length: usize,
    runnable: Arc<TypedRunnableModel>,
    inputs: Vec<(Input, DatumType)>,
}

impl Plan {
    /// Prepares a graph.
    pub(crate) fn new(
        model: &InferenceModel,
        inputs: &[(Input, DatumType)],
        length: usize,
    ) -> Result<Plan, String> {
        crate::guarded(|| {
            let mut model = model.clone();
            for (place, (_, kind)) in inputs.iter().enumerate() {
                let fact = InferenceFact::dt_shape(*kind, [1, length]);
                model = model.with_input_fact(place, fact).map_err(|error| format!("{error:#}"))?;
            }
            let typed = model.into_typed().map_err(|error| format!("{error:#}"))?;
            for fact in typed.nodes().iter().flat_map(|node| &node.outputs).map(|outlet| &outlet.fact) {
                let shape =
                    fact.shape.as_concrete().ok_or("a shape depends on more than the length of a text")?;
                let volume = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
                volume.filter(|volume| *volume <= LARGEST).ok_or("a value of it is too large")?;
            }
            let optimised = typed.into_optimized().map_err(|error| format!("{error:#}"))?;
            let runnable = optimised.into_runnable().map_err(|error| format!("{error:#}"))?;
            Ok(Plan { length, runnable, inputs: inputs.to_vec() })
        })
    }

    /// What the model gives for a window: a number for each class.
    pub(crate) fn run(&self, window: &Window, pad: i64) -> Result<Vec<f32>, Fault> {
        crate::guarded(|| {
            let values = self.inputs.iter().map(|(input, kind)| self.value(*input, *kind, window, pad));
            let values = values.collect::<Result<Vec<TValue>, String>>()?;
            let outputs =
                self.runnable.run(values.into_iter().collect()).map_err(|error| format!("{error:#}"))?;
            let first = outputs.first().ok_or("it gave nothing")?;
            let logits = first.cast_to::<f32>().map_err(|error| error.to_string())?;
            let view = logits.try_as_plain_ram().map_err(|error| error.to_string())?;
            let logits = view.as_slice::<f32>().map_err(|error| error.to_string())?.to_vec();
            match logits.iter().all(|logit| logit.is_finite()) {
                true => Ok(logits),
                false => Err("it gave what is no number".to_owned()),
            }
        })
        .map_err(Fault::Failed)
    }

    fn value(&self, input: Input, kind: DatumType, window: &Window, pad: i64) -> Result<TValue, String> {
        let tokens = window.ids.len();
        let mut numbers = match input {
            Input::Ids => window.ids.clone(),
            Input::Mask => vec![1; tokens],
            Input::Types => window.types.clone(),
        };
        numbers.resize(self.length, if input == Input::Ids { pad } else { 0 });
        let tensor = Tensor::from_shape(&[1, self.length], &numbers).map_err(|error| error.to_string())?;
        let tensor = tensor.cast_to_dt(kind).map_err(|error| error.to_string())?.into_owned();
        Ok(tensor.into())
    }
}
