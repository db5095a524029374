//! A connection that has to say in time which version of HTTP it speaks.
//!
//! Which version it is shows in the first bytes: HTTP/2 begins with a preface of 24 (RFC 9113, 3.4), and what differs from it
//! is HTTP/1.1. Until then neither version's own time for headers runs, so that a client that says nothing, or the preface
//! one byte a minute, would hold its connection forever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::idle::Activity;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose first bytes come in time, or that fails.
pub(crate) struct Opening<S> {
    stream: S,
    /// Hears that it is HTTP/2.
    activity: Arc<Activity>,
    /// How much of the preface of HTTP/2 was read, and how long the rest may take; nothing once the version is known.
    until: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S> Opening<S> {
    pub(crate) fn new(stream: S, wait: Duration, activity: Arc<Activity>) -> Opening<S> {
        Opening { stream, activity, until: Some((0, Box::pin(sleep(wait)))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some((read, wait)) = &mut this.until else {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        };
        let before = buffer.filled().len();
        if Pin::new(&mut this.stream).poll_read(context, buffer)?.is_pending() {
            ready!(wait.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let new = buffer.filled().get(before..).unwrap_or_default();
        let expected = PREFACE.get(*read..).unwrap_or_default();
        let is_preface = new.len() < expected.len() && expected.starts_with(new);
        *read += new.len();
        if !is_preface {
            if new.starts_with(expected) {
                this.activity.is_second();
            }
            this.until = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
