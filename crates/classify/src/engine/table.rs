//! Whole automata laid out for running: a load for the class of a byte, one for where it leads, and one comparison that
//! tells whether there is anything to do there.

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::alphabet::Unit;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use rustc_hash::FxHashMap;

/// An automaton that is built as a whole. A state is the place of its row. The first row is of the state from which
/// nothing leads to a match; then come those in which one has ended a byte before.
pub(crate) struct Table {
    /// By byte: its class.
    classes: [u8; 256],
    /// By state, and in its row by class: the next state. The last class is the end of the text.
    next: Box<[u32]>,
    /// States in a row of the table.
    row: usize,
    /// The last state in which there is something to do.
    special: u32,
    /// The state it begins in: one, or one for each byte that may stand before, and at last for the beginning of the text.
    starts: Box<[u32]>,
}

/// Where an automaton is after so many bytes.
struct Step {
    state: u32,
    read: usize,
}

impl Table {
    /// Lays out an automaton; `depends` is whether where it begins depends on what stands before.
    pub(crate) fn new(dfa: &dense::DFA<Vec<u32>>, depends: bool) -> Option<Table> {
        let begin = |before: Option<u8>| {
            let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
            dfa.start_state(&config).ok()
        };
        let starts: Vec<StateID> = match depends {
            true => (0..=u8::MAX).map(Some).chain([None]).map(begin).collect::<Option<_>>()?,
            false => vec![begin(None)?],
        };
        let units: Vec<Unit> = dfa.byte_classes().representatives(..).collect();
        let row = units.len();
        let (states, matches) = states(dfa, &starts, &units);
        let places = (1_usize..).map(|place| u32::try_from(place * row).ok());
        let places: FxHashMap<StateID, Option<u32>> = states.iter().copied().zip(places).collect();
        let place = |state: StateID| if leads_nowhere(dfa, state) { Some(0) } else { *places.get(&state)? };
        let mut next = vec![0; row];
        for state in &states {
            for unit in &units {
                next.push(place(after(dfa, *state, *unit))?);
            }
        }
        let mut classes = [0; 256];
        for (byte, class) in (0..=u8::MAX).zip(&mut classes) {
            *class = dfa.byte_classes().get(byte);
        }
        Some(Table {
            classes,
            next: next.into(),
            row,
            special: u32::try_from(matches * row).ok()?,
            starts: starts.into_iter().map(place).collect::<Option<_>>()?,
        })
    }

    /// Runs over a text in front of which a byte stands, and tells where matches end that begin with it, ascending, once
    /// the byte after the end is read. The state in which it is then; none when no other match can follow.
    #[inline]
    pub(crate) fn run(&self, text: &[u8], before: Option<u8>, mut tell: impl FnMut(usize)) -> Option<u32> {
        let mut state = match &*self.starts {
            [one] => *one,
            all => all.get(before.map_or(256, usize::from)).copied().unwrap_or(0),
        };
        let mut read = 0;
        loop {
            let step = self.walk(text.get(read..).unwrap_or_default(), state);
            state = step.state;
            if step.read == 0 {
                return Some(state);
            } else if state == 0 {
                return None;
            }
            read += step.read;
            if state <= self.special {
                tell(read - 1);
            }
        }
    }

    /// Goes on until there is something to do, or to the end. It is by itself since nothing else is as hot.
    #[inline(never)]
    fn walk(&self, text: &[u8], mut state: u32) -> Step {
        let next = &*self.next;
        for (offset, byte) in text.iter().enumerate() {
            let class = self.classes.get(usize::from(*byte)).copied().unwrap_or(0);
            let Some(reached) = next.get(state as usize + usize::from(class)) else { break };
            state = *reached;
            if state <= self.special {
                return Step { state, read: offset + 1 };
            }
        }
        Step { state, read: text.len() }
    }

    /// Whether a match ends where the text does.
    pub(crate) fn ends_in(&self, state: u32) -> bool {
        let ended = self.next.get(state as usize + self.row - 1);
        ended.is_some_and(|ended| (1..=self.special).contains(ended))
    }
}

/// The states of an automaton that can be reached and lead on, first those of matches, and how many those are.
fn states(dfa: &dense::DFA<Vec<u32>>, starts: &[StateID], units: &[Unit]) -> (Vec<StateID>, usize) {
    let mut known = FxHashMap::default();
    let mut all: Vec<StateID> = Vec::new();
    let mut stack = starts.to_vec();
    while let Some(state) = stack.pop() {
        if !leads_nowhere(dfa, state) && known.insert(state, ()).is_none() {
            all.push(state);
            stack.extend(units.iter().map(|unit| after(dfa, state, *unit)));
        }
    }
    all.sort_by_key(|state| !dfa.is_match_state(*state));
    let matches = all.partition_point(|state| dfa.is_match_state(*state));
    (all, matches)
}

fn after(dfa: &dense::DFA<Vec<u32>>, state: StateID, unit: Unit) -> StateID {
    match unit.as_u8() {
        Some(byte) => dfa.next_state(state, byte),
        None => dfa.next_eoi_state(state),
    }
}

fn leads_nowhere(dfa: &dense::DFA<Vec<u32>>, state: StateID) -> bool {
    dfa.is_dead_state(state) || dfa.is_quit_state(state)
}
