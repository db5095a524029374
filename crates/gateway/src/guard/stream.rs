//! A stream, held back until it was looked at.
//!
//! ```text
//! bytes -> frames -> channels -> windows -> the guardrails -> frames that may pass, with what was redacted gone
//! ```
//!
//! Frames pass in the order in which they came. A frame passes once all text of it is *cleared*: looked at, and in
//! [`StreamMode::Windowed`] so many bytes behind the last text that is known.
//!
//! *Invariant (exposure):* in [`StreamMode::Whole`] nothing of a text that is blocked passes. In [`StreamMode::Windowed`] of
//! what is blocked at most the part that lies more than `hold_back` bytes before its end has passed, and nothing of a
//! finding that is redacted and no longer than `hold_back`. In [`StreamMode::Immediate`] nothing is redacted, and what
//! is blocked ends the stream at most 256 bytes after it was complete.
//! *Invariant (arguments are whole):* arguments of tools pass once they are complete and were looked at, in every mode: half a
//! call is worth nothing, and a call that is carried out cannot be taken back.
//! *Invariant (tokens whole or not at all):* a token that is turned back is held until all of it is there, so where the
//! longest one is longer than `hold_back`, so much is held back.
//! *Invariant (nothing passes unread):* an event that cannot be read ends the stream.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use castellan_wire::calls::{self, Call};
use castellan_wire::edit::{self, Edit};
use castellan_wire::frame::{self, Frame, FrameReading, Frames, Framing};
use castellan_wire::json::{Bounds, Tree};
use castellan_wire::refusal::Told;
use castellan_wire::usage::Usage;
use castellan_wire::{Api, Direction, Passage, Point, passages};

use super::change::{Changed, merged};
use super::compiled::Selected;
use super::inspect::{Inspector, floor};
use super::judgement::{Hit, Judgement};
use super::memory::Memory;
use super::profile::{Action, StreamMode, Streaming};
use super::transform::{Part as Piece, looks_like_json};

/// Bytes of new text after which a channel is looked at.
pub(super) const WINDOW: usize = 256;
/// Bytes before those that are looked at again, since what is found may have begun there.
const BEFORE: usize = 2_048;
/// Most bytes of text of one channel.
const LONGEST: usize = 8 << 20;
/// Most channels of one stream.
const MOST_CHANNELS: usize = 1_024;

/// What the client gets next.
#[derive(Debug, Default)]
pub struct Passed {
    /// Bytes to send.
    pub bytes: Vec<u8>,
    /// Whether the stream ends here, whatever the upstream still has to say.
    pub is_over: bool,
}

/// How a stream ended.
#[derive(Debug, Default)]
pub struct GuardedEnd {
    /// What was found in all of it.
    pub judgement: Judgement,
    /// Tokens, as far as the stream told them.
    pub usage: Option<Usage>,
    /// Why the answer ended, in the words of its API.
    pub finish: Option<String>,
    /// The answer's id, and the model's name.
    pub about: frame::About,
    /// What the model said, by channel, redacted where that was asked for.
    pub said: Vec<(String, Point, String)>,
    /// Findings that were known only when some of their text had passed.
    pub late: usize,
    /// Why the stream could not be read, where it could not.
    pub fault: Option<String>,
}

#[derive(Debug)]
struct Channel {
    text: String,
    point: Point,
    path: String,
    /// Up to where the text was looked at.
    looked: usize,
    /// Up to where it may pass.
    cleared: usize,
    is_over: bool,
    /// What goes, by place.
    edits: Vec<Edit>,
    /// Values that come back, by place.
    restored: Vec<Edit>,
    /// How many characters stand before a byte.
    counted: (usize, usize),
}

/// A text of a frame: its place among the frame's passages, its channel, and where it begins there.
#[derive(Debug)]
struct Part {
    passage: usize,
    channel: String,
    start: usize,
}

#[derive(Debug)]
struct Waiting {
    frame: Frame,
    read: FrameReading,
    parts: Vec<Part>,
    /// What goes from texts of its own.
    edits: Vec<Vec<Edit>>,
}

/// What else decides whether what was found may be answered: something that stops it, or nothing.
pub type Ruling = Box<dyn FnMut(&Judgement) -> Option<Hit> + Send>;

/// A stream on its way to a client.
pub struct Guarded {
    api: Api,
    framing: Framing,
    inspector: Arc<Inspector>,
    profiles: Arc<Selected>,
    streaming: Streaming,
    memory: Memory,
    ruling: Option<Ruling>,
    /// Hits of which the ruling has been asked.
    ruled: usize,
    /// Names of tools, by the beginning of their channels' names.
    tools: Vec<(String, String)>,
    frames: Frames,
    waiting: VecDeque<Waiting>,
    channels: BTreeMap<String, Channel>,
    told: Told,
    end: GuardedEnd,
    is_over: bool,
    /// Bytes of frames that wait, and of all texts.
    held: usize,
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Guarded").field("api", &self.api).finish_non_exhaustive()
    }
}

impl Guarded {
    /// The beginning of a stream of an API.
    pub fn new(api: Api, inspector: Arc<Inspector>, profiles: Arc<Selected>, mut memory: Memory) -> Guarded {
        memory.answering(true);
        let framing = if api.streams_lines() { Framing::Lines } else { Framing::Events };
        Guarded {
            api,
            framing,
            streaming: streaming(&profiles, &memory),
            inspector,
            profiles,
            memory,
            ruling: None,
            ruled: 0,
            tools: Vec::new(),
            frames: Frames::new(framing),
            waiting: VecDeque::new(),
            channels: BTreeMap::new(),
            told: Told::default(),
            end: GuardedEnd::default(),
            is_over: false,
            held: 0,
        }
    }

    /// Bytes that it holds: events that wait to pass, an event that is not whole yet, and the texts of the answer.
    pub fn held(&self) -> usize {
        self.held + self.frames.held()
    }

    /// The same with something else that decides about what was found, before it passes.
    #[must_use]
    pub fn ruled(mut self, ruling: Ruling) -> Guarded {
        self.ruling = Some(ruling);
        self
    }

    /// Takes bytes of the upstream.
    pub fn push(&mut self, bytes: &[u8]) -> Passed {
        if self.is_over {
            return Passed { bytes: Vec::new(), is_over: true };
        }
        match self.frames.push(bytes) {
            Ok(frames) => self.take(frames),
            Err(error) => self.unreadable(&error.to_string()),
        }
    }

    /// The upstream has nothing more to say.
    pub fn finish(&mut self) -> Passed {
        if self.is_over {
            return Passed { bytes: Vec::new(), is_over: true };
        }
        let mut passed = match self.frames.finish() {
            Ok(frame) => self.take(frame.into_iter().collect()),
            Err(error) => return self.unreadable(&error.to_string()),
        };
        if passed.is_over {
            return passed;
        }
        self.over("");
        if self.is_blocked() {
            passed.bytes.extend(self.blocked());
        } else {
            passed.bytes.extend(self.release(true));
        }
        passed.is_over = true;
        self.is_over = true;
        passed
    }

    /// What was found, and what is to be recorded.
    pub fn into_end(mut self) -> (GuardedEnd, Memory) {
        for (name, channel) in std::mem::take(&mut self.channels) {
            let text = edit::applied(&channel.text, channel.edits.clone()).unwrap_or_default();
            self.end.said.push((name, channel.point, text));
        }
        (self.end, self.memory)
    }

    fn take(&mut self, frames: Vec<Frame>) -> Passed {
        for frame in frames {
            let read = match frame::read(&frame, self.api) {
                Ok(read) => read,
                Err(error) => return self.unreadable(&error.to_string()),
            };
            self.note(&read);
            self.note_calls(&frame);
            if let Err(fault) = self.queue(frame, read) {
                return self.unreadable(fault);
            }
            if self.is_blocked() {
                return Passed { bytes: self.blocked(), is_over: true };
            }
        }
        let due: Vec<String> = self
            .channels
            .iter()
            .filter(|(_, channel)| self.is_due(channel))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            self.look(&name);
            if self.is_blocked() {
                return Passed { bytes: self.blocked(), is_over: true };
            }
        }
        Passed { bytes: self.release(false), is_over: false }
    }

    fn note(&mut self, read: &FrameReading) {
        self.told.seen(read);
        if let Some(usage) = read.usage {
            self.end.usage = Some(self.end.usage.map_or(usage, |known| known.and(usage)));
        }
        if read.about.finish.is_some() {
            self.end.finish.clone_from(&read.about.finish);
        }
        let about = &mut self.end.about;
        about.id = about.id.take().or_else(|| read.about.id.clone());
        about.model = about.model.take().or_else(|| read.about.model.clone());
    }

    /// Looks at calls that a frame has as wholes, and remembers names of tools whose arguments come in parts.
    fn note_calls(&mut self, frame: &Frame) {
        if !self.profiles.looks_at_calls() || frame.is_empty() || frame.is_done() {
            return;
        }
        let Ok(tree) = Tree::read(&frame.data, &Bounds::default()) else { return };
        self.tools.extend(calls::names(&tree).filter(|_| self.tools.len() < MOST_CHANNELS));
        if calls::is_whole(&tree) {
            let judgement = self.inspector.calls(&calls::calls(&tree), &self.profiles);
            self.end.judgement.join(judgement);
        }
    }

    /// Looks at arguments that have come in parts, once they are whole.
    fn look_at_call(&mut self, name: &str) {
        let Some(channel) = self.channels.get(name).filter(|channel| channel.point == Point::ToolCall) else {
            return;
        };
        let is_arguments = name.ends_with("arguments") || name.ends_with("partial_json");
        if !is_arguments || !channel.is_over || !self.profiles.looks_at_calls() {
            return;
        }
        let beside = name.strip_suffix("arguments").map(|start| format!("{start}name"));
        let by_channel = beside.and_then(|beside| self.channels.get(&beside)).map(|name| name.text.clone());
        let by_event = || self.tools.iter().rev().find(|(start, _)| name.starts_with(start.as_str()));
        let tool = by_channel.or_else(|| by_event().map(|(_, tool)| tool.clone())).unwrap_or_default();
        let call = Call { tool, arguments: channel.text.clone(), path: channel.path.clone() };
        self.end.judgement.join(self.inspector.calls(&[call], &self.profiles));
    }

    /// Adds a frame's texts to their channels, and looks at those that are texts of their own.
    fn queue(&mut self, frame: Frame, read: FrameReading) -> Result<(), &'static str> {
        let mut parts = Vec::new();
        for delta in &read.deltas {
            let Some(passage) = read.reading.passages.get(delta.passage) else { continue };
            if self.channels.len() >= MOST_CHANNELS && !self.channels.contains_key(&delta.channel) {
                return Err("the stream speaks of too many things at once");
            }
            let channel = self.channels.entry(delta.channel.clone()).or_insert_with(|| Channel {
                text: String::new(),
                point: passage.point,
                path: passage.path.clone(),
                looked: 0,
                cleared: 0,
                is_over: false,
                edits: Vec::new(),
                restored: Vec::new(),
                counted: (0, 0),
            });
            let start = channel.text.len();
            channel.text.push_str(&passage.text);
            self.held += passage.text.len();
            channel.is_over = false;
            if channel.text.len() > LONGEST {
                return Err("the answer has too much text");
            }
            parts.push(Part { passage: delta.passage, channel: delta.channel.clone(), start });
        }
        let edits = self.whole(&read, &parts);
        for ended in read.ends.clone() {
            self.over(&ended);
        }
        self.held += frame.raw.len() + frame.data.len();
        self.waiting.push_back(Waiting { frame, read, parts, edits });
        Ok(())
    }

    /// Looks at the texts of a frame that continue no others, and at what it holds beside texts.
    fn whole(&mut self, read: &FrameReading, parts: &[Part]) -> Vec<Vec<Edit>> {
        let mut edits = Vec::with_capacity(read.reading.passages.len());
        for (at, passage) in read.reading.passages.iter().enumerate() {
            if parts.iter().any(|part| part.passage == at) {
                edits.push(Vec::new());
                continue;
            }
            let (judgement, own) = self.inspector.passage(passage, &self.profiles, &mut self.memory);
            self.end.judgement.join(judgement);
            edits.push(merged(own.all()));
        }
        let only =
            castellan_wire::Reading { unscanned: read.reading.unscanned.clone(), ..Default::default() };
        if !only.unscanned.is_empty() {
            let judgement = self.inspector.judge(&only, &self.profiles, &mut self.memory);
            self.end.judgement.join(judgement);
        }
        edits
    }

    /// Channels whose names begin so are complete: they are looked at to their ends.
    fn over(&mut self, beginning: &str) {
        let names: Vec<String> =
            self.channels.keys().filter(|name| name.starts_with(beginning)).cloned().collect();
        for name in names {
            if let Some(channel) = self.channels.get_mut(&name) {
                channel.is_over = true;
            }
            self.look(&name);
            self.look_at_call(&name);
        }
    }

    fn mode(&self, point: Point) -> StreamMode {
        let is_whole = point == Point::ToolCall || self.profiles.needs_whole(self.profiles.point(point));
        if is_whole { StreamMode::Whole } else { self.streaming.mode }
    }

    fn is_due(&self, channel: &Channel) -> bool {
        let new = channel.text.len() - channel.looked;
        // What cannot pass for long is not looked at again for each piece that comes.
        let held = channel.looked.saturating_sub(channel.cleared);
        let window = if held > 2 * BEFORE { held / 2 } else { WINDOW };
        self.mode(channel.point) != StreamMode::Whole && new >= window
    }

    /// Looks at what is new of a channel, with what stands before it and what has not passed.
    fn look(&mut self, name: &str) {
        let Some(channel) = self.channels.get(name) else { return };
        let (mode, is_over) = (self.mode(channel.point), channel.is_over);
        if !is_over && (mode == StreamMode::Whole || channel.looked == channel.text.len()) {
            return;
        }
        let from = if mode == StreamMode::Whole {
            0
        } else {
            floor(&channel.text, channel.looked.saturating_sub(BEFORE).min(channel.cleared))
        };
        let (place, count) = channel.counted;
        let new = channel.text.get(place..from).unwrap_or_default().chars().count();
        let before = if from >= place { count + new } else { 0 };
        let piece = Piece {
            before,
            seen: channel.looked.saturating_sub(from),
            is_over,
            is_json: looks_like_json(&channel.text),
        };
        let text = channel.text.get(from..).unwrap_or_default().to_owned();
        let length = channel.text.len();
        let (fresh, is_first) = (length - channel.looked, channel.looked == 0);
        let whole = Passage { point: channel.point, path: channel.path.clone(), text, segments: Vec::new() };
        let (mut judgement, changed) = self.inspector.part(&whole, piece, &self.profiles, &mut self.memory);
        (judgement.passages, judgement.bytes) = (usize::from(is_first), fresh);
        self.end.judgement.join_part(judgement);
        if let Some(channel) = self.channels.get_mut(name) {
            channel.counted = (from, before);
            channel.looked = length;
        }
        self.clear(name, mode, changed.at(from));
    }

    /// Clears what may pass of a channel that was looked at.
    fn clear(&mut self, name: &str, mode: StreamMode, changed: Changed) {
        let hold_back = self.streaming.hold_back.max(self.memory.longest());
        let Some(channel) = self.channels.get_mut(name) else { return };
        // What may still grow stays behind, together with all of a finding that reaches into it.
        let length = channel.text.len();
        let hold = if channel.is_over || mode == StreamMode::Immediate { 0 } else { hold_back };
        let mut until = floor(&channel.text, length.saturating_sub(hold));
        if !channel.is_over {
            until = until.min(floor(&channel.text, changed.open.unwrap_or(length)));
            let mut all: Vec<&Edit> = changed.edits.iter().chain(&changed.restored).collect();
            all.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
            for edit in all {
                if edit.range.end > until {
                    until = until.min(edit.range.start);
                }
            }
        }
        let cleared = channel.cleared;
        let until = until.max(cleared);
        if mode == StreamMode::Immediate {
            self.end.late += changed.edits.len();
        } else {
            let is_late = |edit: &&Edit| edit.range.start < cleared && edit.range.end > cleared;
            self.end.late += changed.edits.iter().filter(is_late).count();
            // A finding that was known too late loses what has not passed.
            let due = |edit: &Edit| edit.range.end > cleared && edit.range.start < until;
            let rest = |edit: Edit| Edit { range: edit.range.start.max(cleared)..edit.range.end, ..edit };
            channel.edits.extend(changed.edits.into_iter().filter(due).map(rest));
            // A value whose token has begun to pass stays a token.
            let whole = |edit: &Edit| edit.range.start >= cleared && edit.range.start < until;
            let known = channel.restored.len();
            channel.restored.extend(changed.restored.into_iter().filter(whole));
            self.memory.restored += channel.restored.len() - known;
        }
        channel.cleared = until;
    }

    /// Whether the stream is blocked, by what was found or by what else decides about it.
    fn is_blocked(&mut self) -> bool {
        let hits = self.end.judgement.hits.iter().filter(|hit| hit.check == "sensitive").count();
        if hits > self.ruled
            && let Some(ruling) = &mut self.ruling
        {
            self.ruled = hits;
            if let Some(hit) = ruling(&self.end.judgement) {
                self.end.judgement.hit(hit);
            }
        }
        self.end.judgement.action >= Action::RequireApproval
    }

    /// The frames that may pass now; all of them at the end.
    fn release(&mut self, is_end: bool) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some(waiting) = self.waiting.front() {
            let may_pass = waiting.parts.iter().all(|part| {
                let Some(channel) = self.channels.get(&part.channel) else { return true };
                let length =
                    waiting.read.reading.passages.get(part.passage).map_or(0, |passage| passage.text.len());
                self.mode(channel.point) == StreamMode::Immediate || part.start + length <= channel.cleared
            });
            if !may_pass && !is_end {
                break;
            }
            let Some(waiting) = self.waiting.pop_front() else { break };
            self.held = self.held.saturating_sub(waiting.frame.raw.len() + waiting.frame.data.len());
            self.told.passed(&waiting.read);
            match self.rewritten(&waiting) {
                Ok(bytes) => out.extend(bytes),
                Err(error) => {
                    self.end.fault = Some(error);
                    self.end.judgement.action = Action::Block;
                    out.extend(self.blocked());
                    break;
                }
            }
        }
        out
    }

    /// A frame without what goes from it.
    fn rewritten(&self, waiting: &Waiting) -> Result<Vec<u8>, String> {
        let mut edits = waiting.edits.clone();
        for part in &waiting.parts {
            let (Some(channel), Some(own)) = (self.channels.get(&part.channel), edits.get_mut(part.passage))
            else {
                continue;
            };
            let length =
                waiting.read.reading.passages.get(part.passage).map_or(0, |passage| passage.text.len());
            *own = clipped(&channel.edits, part.start, part.start + length);
            own.extend(clipped(&channel.restored, part.start, part.start + length));
        }
        let repeats = self.profiles.redacts() && !waiting.read.reading.logprobs.is_empty();
        if edits.iter().all(Vec::is_empty) && !repeats {
            return Ok(waiting.frame.raw.clone());
        }
        let tree = Tree::read(&waiting.frame.data, &Bounds::default()).map_err(|error| error.to_string())?;
        let reading = passages(&tree, self.api, Direction::Response);
        let data = edit::rewrite_with(&tree, &reading, &edits, repeats).map_err(|error| error.to_string())?;
        Ok(waiting.frame.with_data(&data, self.framing).raw)
    }

    /// The end of a stream that is blocked. Nothing that waits passes.
    fn blocked(&mut self) -> Vec<u8> {
        self.is_over = true;
        self.waiting.clear();
        self.told.filtered_end(self.api, &self.end.judgement.results.value())
    }

    fn unreadable(&mut self, why: &str) -> Passed {
        self.end.fault = Some(why.to_owned());
        self.end.judgement.action = Action::Block;
        Passed { bytes: self.blocked(), is_over: true }
    }
}

/// How streams are looked at. Where tokens may come back, nothing passes before it is known whether one begins there.
fn streaming(profiles: &Selected, memory: &Memory) -> Streaming {
    let streaming = profiles.streaming();
    match streaming.mode {
        StreamMode::Immediate if memory.has_tokens() => {
            Streaming { mode: StreamMode::Windowed, hold_back: memory.longest() }
        }
        _ => streaming,
    }
}

/// The changes of a channel as those of a part of it. What replaces stands where the change begins.
fn clipped(edits: &[Edit], start: usize, end: usize) -> Vec<Edit> {
    let mut own = Vec::new();
    for edit in edits {
        let (from, to) = (edit.range.start.max(start), edit.range.end.min(end));
        if from < to {
            let begins_here = edit.range.start >= start;
            let replacement = if begins_here { edit.replacement.clone() } else { String::new() };
            own.push(Edit { range: from - start..to - start, replacement });
        }
    }
    own
}

#[cfg(test)]
mod tests;
