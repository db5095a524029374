//! Names of built-in roles, as Azure documents them.

/// Role definition ids with the roles' names: those that decide over AI services and what they read, sorted by id.
#[rustfmt::skip] // One line a role reads as the table it is.
const BUILT_IN: &[(&str, &str)] = &[
    ("00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator"),
    ("12338af0-0e69-4776-bea7-57ae8d297424", "Key Vault Crypto User"),
    ("1407120a-92aa-4202-b7e9-c0e197c71c8f", "Search Index Data Reader"),
    ("142bfaed-a13f-4c2d-bed2-6db62c4a1009", "Foundry Project Runtime User"),
    ("14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer"),
    ("14f26b53-9d80-4924-8141-f664426a48f6", "Cognitive Services Security Integration Admin"),
    ("1823dd4f-9b8c-4ab6-ab4e-7397a3684615", "AzureML Registry User"),
    ("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator"),
    ("21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader"),
    ("230815da-be43-4aae-9cb4-875f7bd000aa", "Cosmos DB Operator"),
    ("25fbc0a9-bd7c-42a3-aa1a-3b75d497ee68", "Cognitive Services Contributor"),
    ("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "Storage Blob Data Reader"),
    ("3afb7f49-54cb-416e-8c09-6dc049efa503", "Azure AI Inference Deployment Operator"),
    ("4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User"),
    ("53ca6127-db72-4b80-b1b0-d745d6d5456d", "Foundry User"),
    ("5bd9cd88-fe45-4216-938b-f97437e15450", "DocumentDB Account Contributor"),
    ("5e0bd9bd-7b93-4f28-af87-19fc36ad61bd", "Cognitive Services OpenAI User"),
    ("64702f94-c441-49e6-a78b-ef80e0188fee", "Azure AI Developer"),
    ("7ca78c08-252a-4471-8644-bb5ff32d4ba0", "Search Service Contributor"),
    ("7f951dda-4ed3-4680-a7ca-43fe172d538d", "AcrPull"),
    ("8311e382-0749-4cb8-b61a-304f252e45ec", "AcrPush"),
    ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner"),
    ("8ebe5a00-799e-43f5-93ac-243d3dce84a7", "Search Index Data Contributor"),
    ("a001fd3d-188f-4b5d-821b-7da978bf7442", "Cognitive Services OpenAI Contributor"),
    ("a97b65f3-24c7-4388-baec-2e87135dc908", "Cognitive Services User"),
    ("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader"),
    ("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor"),
    ("b556d68e-0be0-4f35-a333-ad7ee1ce17ea", "Azure AI Enterprise Network Connection Approver"),
    ("b59867f0-fa02-499b-be73-45a86b5b3e1c", "Cognitive Services Data Reader"),
    ("b78c5d69-af96-48a3-bf8d-a8b4d589de94", "Azure AI Administrator"),
    ("b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "Storage Blob Data Owner"),
    ("b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer"),
    ("ba92f5b4-2d11-453d-a403-e96b0029c9fe", "Storage Blob Data Contributor"),
    ("bba48692-92b0-4667-a9ad-c31c7b334ac2", "Cognitive Services Usages Reader"),
    ("c883944f-8b7b-4483-af10-35834be79c4a", "Foundry Owner"),
    ("e147488a-f6f5-4113-8e2d-b22465e65bf6", "Key Vault Crypto Service Encryption User"),
    ("e47c6f54-e4a2-4754-9501-8e0985b135e1", "Foundry Account Owner"),
    ("e503ece1-11d0-4e8e-8e2c-7a6c3bf38815", "AzureML Compute Operator"),
    ("ea01e6af-a1c1-4350-9563-ad00f8c72ec5", "Azure Machine Learning Workspace Connection Secrets Reader"),
    ("eadc314b-1a2d-4efa-be10-5d325db5065e", "Foundry Project Manager"),
    ("eed3b665-ab3a-47b6-8f48-c9382fb1dad6", "Foundry Agent Consumer"),
    ("f25e0fa2-a7c8-4377-a976-54943a77a395", "Key Vault Contributor"),
    ("f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator"),
    ("f6c7c914-8db3-469d-8ca1-694a8f32e121", "AzureML Data Scientist"),
    ("fbdf93bf-df7d-467e-a4d2-9458aa1360c8", "Cosmos DB Account Reader Role"),
];

/// The name of a built-in role by the last segment of its definition's id.
pub(super) fn built_in_role(id: &str) -> Option<&'static str> {
    let id = id.to_ascii_lowercase();
    let position = BUILT_IN.binary_search_by(|(known, _)| (*known).cmp(id.as_str())).ok()?;
    BUILT_IN.get(position).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(BUILT_IN.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(built_in_role("B24988AC-6180-42a0-ab88-20f7382dd24c"), Some("Contributor"));
    }
}
