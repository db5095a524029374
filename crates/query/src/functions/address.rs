//! Addresses of IP in constant networks.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::functions::address::{ipv4, mask4};
use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use super::kernel::{Kernel, texts};

/// Whether an address of version 4 lies in one of some networks; null for what is no address.
#[derive(Debug)]
pub struct InNetworks {
    name: String,
    /// Address and prefix of each.
    networks: Vec<(u32, u32)>,
}

impl InNetworks {
    /// `None` for texts that are no networks, and for no networks at all.
    pub fn new<'t>(networks: impl IntoIterator<Item = &'t str>) -> Option<InNetworks> {
        let networks = networks.into_iter().map(ipv4).collect::<Option<Vec<(u32, u32)>>>()?;
        let name = format!("ipv4_is_in({networks:?})");
        (!networks.is_empty()).then_some(InNetworks { name, networks })
    }

    fn has(&self, text: &str) -> Option<bool> {
        let (address, own) = ipv4(text)?;
        let is_in = |(network, prefix): &(u32, u32)| {
            let mask = mask4(*prefix.min(&own));
            address & mask == network & mask
        };
        Some(self.networks.iter().any(is_in))
    }
}

impl Kernel for InNetworks {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Bool
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let each = array.iter().map(|text| self.has(text.unwrap_or_default()));
        Ok(Arc::new(each.collect::<BooleanArray>()))
    }
}
