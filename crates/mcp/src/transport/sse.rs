//! Server-sent events (WHATWG HTML, "Server-sent events"), bounded, for streams of messages.
//!
//! An event of known fields alone keeps its bytes. One with other fields or comments inside does not: nobody scans what
//! clients ignore, so it is written anew without that. Comments between events become empty ones.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The type; `None` is `message`.
    pub event: Option<String>,
    /// The data lines, joined by line feeds.
    pub data: String,
    /// The id that the event sets.
    pub id: Option<String>,
    /// Milliseconds after which a client connects again.
    pub retry: Option<u64>,
    /// The bytes, as they came, with the blank line; `None` if the event has to be written anew.
    pub raw: Option<Vec<u8>>,
}

impl Event {
    /// The bytes to pass on when nothing is changed.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.raw.clone().unwrap_or_else(|| write_event(self))
    }

    /// The event with other data.
    #[must_use]
    pub fn with_data(&self, data: &str) -> Event {
        Event { data: data.to_owned(), raw: None, ..self.clone() }
    }
}

/// What a stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An event; one without data sets id or retry alone.
    Event(Event),
    /// A comment, to keep the connection alive. Pass on `:` and two line feeds.
    KeepAlive,
}

/// Why a stream is read no further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// An event with more bytes than the bound.
    #[error("an event has more than {0} bytes")]
    TooLong(usize),
    /// Bytes that are no UTF-8.
    #[error("a line is not UTF-8")]
    NotUtf8,
    /// The stream ended within an event, which clients drop.
    #[error("the stream ended within an event")]
    Cut,
}

/// Takes a stream apart, in whatever chunks it comes.
#[derive(Debug)]
pub struct Reader {
    most: usize,
    line: Vec<u8>,
    raw: Vec<u8>,
    after_return: bool,
    started: bool,
    pending: Event,
    has_field: bool,
    has_data: bool,
    is_odd: bool,
}

impl Reader {
    /// A reader of events of at most this many bytes.
    #[must_use]
    pub fn new(most: usize) -> Reader {
        Reader {
            most,
            line: Vec::new(),
            raw: Vec::new(),
            after_return: false,
            started: false,
            pending: Event::default(),
            has_field: false,
            has_data: false,
            is_odd: false,
        }
    }

    /// Takes a chunk and gives what it completes.
    ///
    /// # Errors
    /// If an event is too long or no text. The reader is of no more use then.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<Item>, SseError> {
        let mut items = Vec::new();
        for byte in chunk.iter().copied() {
            if self.after_return && byte == b'\n' {
                // The second half of a line's end belongs to what the first half ended.
                self.after_return = false;
                match items.last_mut() {
                    Some(Item::Event(Event { raw: Some(raw), .. })) if self.raw.is_empty() => raw.push(byte),
                    _ if self.raw.is_empty() => {}
                    _ => self.raw.push(byte),
                }
                continue;
            }
            self.after_return = byte == b'\r';
            self.raw.push(byte);
            if self.raw.len() > self.most {
                return Err(SseError::TooLong(self.most));
            }
            if matches!(byte, b'\n' | b'\r') {
                let line = std::mem::take(&mut self.line);
                self.take_line(&line, &mut items)?;
            } else {
                self.line.push(byte);
            }
        }
        Ok(items)
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// If it ended within an event: what came of it was scanned by nobody and is not passed on.
    pub fn finish(self) -> Result<(), SseError> {
        if self.line.is_empty() && !self.has_field { Ok(()) } else { Err(SseError::Cut) }
    }

    fn take_line(&mut self, line: &[u8], items: &mut Vec<Item>) -> Result<(), SseError> {
        let text = std::str::from_utf8(line).map_err(|_| SseError::NotUtf8)?;
        let mark = if self.started { None } else { text.strip_prefix('\u{feff}') };
        self.started = true;
        let text = mark.unwrap_or(text);
        self.is_odd |= mark.is_some();
        if text.is_empty() {
            self.end_event(items);
            return Ok(());
        }
        if text.starts_with(':') {
            if self.has_field {
                self.is_odd = true;
            } else {
                self.raw.clear();
                items.push(Item::KeepAlive);
            }
            return Ok(());
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        self.has_field = true;
        match field {
            "data" => {
                if self.has_data {
                    self.pending.data.push('\n');
                }
                self.has_data = true;
                self.pending.data.push_str(value);
            }
            "event" if is_word(value) => self.pending.event = Some(value.to_owned()),
            "id" if !value.contains('\0') => self.pending.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.pending.retry = value.parse().ok();
                self.is_odd |= self.pending.retry.is_none();
            }
            _ => self.is_odd = true,
        }
        Ok(())
    }

    fn end_event(&mut self, items: &mut Vec<Item>) {
        let raw = std::mem::take(&mut self.raw);
        if !self.has_field {
            return;
        }
        let mut event = std::mem::take(&mut self.pending);
        event.raw = Some(raw).filter(|_| !self.is_odd);
        self.has_field = false;
        self.has_data = false;
        self.is_odd = false;
        items.push(Item::Event(event));
    }
}

/// Types of events are names, no place for texts.
fn is_word(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// An event as bytes, with its blank line.
#[must_use]
pub fn write_event(event: &Event) -> Vec<u8> {
    let mut out = String::new();
    let single = |text: &str| text.replace(['\r', '\n', '\0'], " ");
    if let Some(name) = &event.event {
        out.push_str(&format!("event: {}\n", single(name)));
    }
    if let Some(id) = &event.id {
        out.push_str(&format!("id: {}\n", single(id)));
    }
    if let Some(retry) = event.retry {
        out.push_str(&format!("retry: {retry}\n"));
    }
    // A line ends at a carriage return too.
    for line in event.data.replace("\r\n", "\n").split(['\n', '\r']) {
        out.push_str(&format!("data: {line}\n"));
    }
    out.push('\n');
    out.into_bytes()
}
