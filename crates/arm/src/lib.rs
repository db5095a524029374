//! Expands ARM templates and Terraform plans to resources.
