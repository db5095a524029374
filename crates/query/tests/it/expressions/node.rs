//! An expression as a tree of text, which can be made smaller.

use castellan_kql::ScalarType;

/// Text with the texts of other nodes between its pieces.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The type that was asked for. The binder may see it differently.
    pub(super) wanted: ScalarType,
    /// One more than there are children.
    pieces: Vec<String>,
    children: Vec<Node>,
}

impl Node {
    pub(super) fn leaf(wanted: ScalarType, text: impl Into<String>) -> Node {
        Node { wanted, pieces: vec![text.into()], children: Vec::new() }
    }

    /// Text that begins with this.
    pub(super) fn begin(wanted: ScalarType, text: impl Into<String>) -> Node {
        Node::leaf(wanted, text)
    }

    /// Adds a child and the text behind it.
    pub(super) fn then(mut self, child: Node, text: impl Into<String>) -> Node {
        self.children.push(child);
        self.pieces.push(text.into());
        self
    }

    /// Adds text.
    pub(super) fn text(mut self, text: &str) -> Node {
        self.pieces.last_mut().unwrap().push_str(text);
        self
    }

    /// What it is in a query.
    pub(super) fn written(&self) -> String {
        let mut out = self.pieces[0].clone();
        for (child, piece) in self.children.iter().zip(&self.pieces[1..]) {
            out.push_str(&child.written());
            out.push_str(piece);
        }
        out
    }

    fn size(&self) -> usize {
        1 + self.children.iter().map(Node::size).sum::<usize>()
    }

    /// The tree with the node at a position, in the order of a walk from the root, replaced.
    fn replaced(&self, at: usize, by: &Node) -> Node {
        if at == 0 {
            return by.clone();
        }
        let mut left = at - 1;
        let mut copy = self.clone();
        for child in &mut copy.children {
            let size = child.size();
            if left < size {
                *child = child.replaced(left, by);
                break;
            }
            left -= size;
        }
        copy
    }

    fn at(&self, at: usize) -> &Node {
        if at == 0 {
            return self;
        }
        let mut left = at - 1;
        for child in &self.children {
            let size = child.size();
            if left < size {
                return child.at(left);
            }
            left -= size;
        }
        self
    }

    /// Smaller trees, those with the most taken away first.
    pub(super) fn smaller(&self, leaves: &dyn Fn(ScalarType) -> Vec<String>) -> Vec<Node> {
        let mut found = Vec::new();
        for at in 0..self.size() {
            let node = self.at(at);
            if node.children.is_empty() {
                continue;
            }
            for leaf in leaves(node.wanted) {
                found.push(self.replaced(at, &Node::leaf(node.wanted, leaf)));
            }
            for below in 1..node.size() {
                if at == 0 || node.at(below).wanted == node.wanted {
                    found.push(self.replaced(at, node.at(below)));
                }
            }
        }
        found.sort_by_key(Node::size);
        found
    }
}
