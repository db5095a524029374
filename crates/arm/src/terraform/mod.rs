//! Terraform plans and state as `terraform show -json` prints them.
