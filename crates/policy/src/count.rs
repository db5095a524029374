//! `count`: how many elements satisfy a condition, as bounds where some are unknown.

use castellan_base::{Node, Value};

use crate::condition::{Binding, Condition, Count, Over, Test};
use crate::evaluate::{Bounds, Evaluator, Slot};
use crate::path::{Segment, Style, Val, walk_one};
use crate::truth::Truth;

/// A count under way.
#[derive(Default)]
struct Tally {
    yes: i64,
    maybe: i64,
    /// An array is not known, so there may be any number of elements.
    open: bool,
}

/// How the elements of a field are reached.
struct Walk<'r> {
    style: Style,
    bindings: &'r [Binding],
    filter: Option<&'r Condition>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn count(&mut self, test: &'a Test, count: &'a Count) -> Truth {
        let reasons = self.reasons.len();
        // Elements are not recorded one by one: the number tells.
        let trace = self.trace.take();
        let mut tally = Tally::default();
        let counted = match &count.over {
            Over::Field { field, bindings } => match self.start(field) {
                Some((start, route, at_top)) => {
                    let walk = Walk { style: route.style, bindings, filter: count.filter.as_ref() };
                    let steps = self.route_steps(route);
                    self.slots.truncate(count.slot);
                    self.visit(start, steps, at_top, &walk, 0, &mut tally)
                }
                None => Ok(()),
            },
            Over::Value { operand, binding } => self.count_values(operand, binding, count, &mut tally),
        };
        self.slots.truncate(count.slot);
        self.trace = trace;
        if counted.is_err() {
            return self.exhausted();
        }
        let result = self.compare_count(test, count, &tally);
        if result.is_known() {
            self.reasons.truncate(reasons);
        }
        result
    }

    fn compare_count(&mut self, test: &'a Test, count: &'a Count, tally: &Tally) -> Truth {
        let field = match &count.over {
            Over::Field { field, .. } => Some(field),
            Over::Value { .. } => None,
        };
        let right = self.operand(&test.right);
        let exact = tally.maybe == 0 && !tally.open;
        let wanted = right.node().and_then(number);
        if let (false, Some(wanted)) = (exact, wanted) {
            let high = if tally.open { None } else { Some(tally.yes + tally.maybe) };
            let bounds = Bounds { low: tally.yes, high };
            let result = bounds.compare(test.operator, wanted);
            let found = Value::string(match high {
                Some(high) => format!("{} to {high}", tally.yes),
                None => format!("{} or more", tally.yes),
            });
            self.record_count(test, field, &found.at(self.resource.span), right.node(), result);
            return result;
        }
        if !exact {
            return Truth::Unknown;
        }
        let found = Value::Int(tally.yes).at(castellan_base::Span::NONE);
        self.compare(test, field, &Val::Own(found), &right)
    }

    fn count_values(
        &mut self,
        operand: &'a crate::condition::Operand,
        binding: &Binding,
        count: &'a Count,
        tally: &mut Tally,
    ) -> Result<(), ()> {
        let array = self.operand(operand);
        let Some(node) = array.node() else { return Ok(()) };
        if node.as_unresolved().is_some() {
            self.note_unresolved(node);
            tally.open = true;
            return Ok(());
        }
        let items: Vec<Node> = match node.as_array() {
            Some(items) => items.to_vec(),
            None => {
                // An empty text is what `field()` gives for nothing; any other value counts as one element.
                if node.as_str() == Some("") || node.is_null() { Vec::new() } else { vec![node.clone()] }
            }
        };
        for item in items {
            let slot = Slot { binding: binding.clone(), value: Val::Own(item) };
            self.slots.truncate(count.slot);
            self.slots.push(slot);
            self.member(count.filter.as_ref(), tally)?;
        }
        Ok(())
    }

    /// Judges the element in the slots.
    fn member(&mut self, filter: Option<&'a Condition>, tally: &mut Tally) -> Result<(), ()> {
        self.budget = self.budget.checked_sub(1).ok_or(())?;
        let result = filter.map_or(Truth::True, |filter| self.condition(filter));
        match result {
            Truth::True => tally.yes += 1,
            Truth::Unknown if self.budget == 0 => return Err(()),
            Truth::Unknown => tally.maybe += 1,
            Truth::False => {}
        }
        Ok(())
    }

    fn visit(
        &mut self,
        start: Val<'a>,
        steps: &[Segment],
        at_top: bool,
        walk: &Walk<'a>,
        level: usize,
        tally: &mut Tally,
    ) -> Result<(), ()> {
        let Some(position) = steps.iter().position(|step| *step == Segment::Each) else {
            // A path that goes on below the last element counts the elements that have it.
            let end = walk_one(start, steps, walk.style, at_top);
            return match end.node() {
                None => Ok(()),
                Some(node) if node.as_unresolved().is_some() && walk.filter.is_none() => {
                    tally.yes += 1;
                    Ok(())
                }
                Some(_) => self.member(walk.filter, tally),
            };
        };
        let (head, tail) = steps.split_at(position);
        let tail = tail.get(1..).unwrap_or_default();
        let array = walk_one(start, head, walk.style, at_top);
        let Some(node) = array.node() else { return Ok(()) };
        if node.as_unresolved().is_some() {
            self.note_unresolved(node);
            tally.open = true;
            return Ok(());
        }
        let length = node.as_array().map_or(0, <[Node]>::len);
        let slots = self.slots.len();
        for index in 0..length {
            self.budget = self.budget.checked_sub(1).ok_or(())?;
            let element = match &array {
                Val::Ref(node) => Val::of(node.as_array().and_then(|items| items.get(index))),
                other => {
                    let item = other.node().and_then(Node::as_array).and_then(|items| items.get(index));
                    item.cloned().map_or(Val::Missing, Val::Own)
                }
            };
            if let Some(binding) = walk.bindings.get(level) {
                self.slots.push(Slot { binding: binding.clone(), value: element.clone() });
            }
            let result = self.visit(element, tail, false, walk, level + 1, tally);
            self.slots.truncate(slots);
            result?;
        }
        Ok(())
    }

    fn note_unresolved(&mut self, node: &Node) {
        if let Some(unresolved) = node.as_unresolved()
            && self.reasons.len() < 16
        {
            self.reasons.push(crate::evaluate::reason_of(unresolved, None));
        }
    }
}

fn number(node: &Node) -> Option<f64> {
    node.as_f64().or_else(|| node.as_str()?.trim().parse().ok())
}
