//! The template expression language of Azure Resource Manager.
