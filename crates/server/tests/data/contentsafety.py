"""Drives the official client of Azure AI Content Safety against a server: the endpoint, the certificate, the key.

Prints one JSON object of what the client's own types held. The environment decides the version of the client.
"""

import json
import sys

from azure.ai.contentsafety import BlocklistClient, ContentSafetyClient
from azure.ai.contentsafety import models
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

ENDPOINT, CERTIFICATE, KEY = sys.argv[1:4]
TOLD = {}


class Bearer:
    """A credential whose token is the server's."""

    def get_token(self, *scopes, **kwargs):
        return AccessToken(KEY, 4102444800)


def client(kind, credential=None):
    return kind(ENDPOINT, credential or AzureKeyCredential(KEY), connection_verify=CERTIFICATE)


def analyze():
    texts = client(ContentSafetyClient)
    options = models.AnalyzeTextOptions(text="severity 5 violence", output_type="EightSeverityLevels")
    result = texts.analyze_text(options)
    TOLD["eight"] = {item.category: item.severity for item in result.categories_analysis}
    options = models.AnalyzeTextOptions(text="severity 5 violence", categories=["Violence", "Hate"])
    result = texts.analyze_text(options)
    TOLD["four"] = {item.category: item.severity for item in result.categories_analysis}
    bearer = client(ContentSafetyClient, Bearer())
    TOLD["bearer"] = len(bearer.analyze_text(models.AnalyzeTextOptions(text="hello")).categories_analysis)
    try:
        client(ContentSafetyClient, AzureKeyCredential("not the key at all")).analyze_text(options)
    except ClientAuthenticationError as error:
        TOLD["wrong key"] = error.status_code
    try:
        texts.analyze_text(models.AnalyzeTextOptions(text=""))
    except HttpResponseError as error:
        TOLD["empty"] = [error.status_code, error.error.code]


def blocklists():
    lists = client(BlocklistClient)
    created = lists.create_or_update_text_blocklist(
        blocklist_name="products", options=models.TextBlocklist(blocklist_name="products", description="not yet")
    )
    TOLD["created"] = [created.blocklist_name, created.description]
    items = [models.TextBlocklistItem(text=f"secret{number} heron", description="a bird") for number in range(7)]
    added = lists.add_or_update_blocklist_items(
        blocklist_name="products", options=models.AddOrUpdateTextBlocklistItemsOptions(blocklist_items=items)
    )
    TOLD["added"] = len(added.blocklist_items)
    first = added.blocklist_items[0]
    got = lists.get_text_blocklist_item(blocklist_name="products", blocklist_item_id=first.blocklist_item_id)
    TOLD["item"] = [got.text, got.description]
    paged = lists.list_text_blocklist_items(blocklist_name="products", maxpagesize=3)
    TOLD["paged"] = sorted(item.text for item in paged)
    TOLD["lists"] = [one.blocklist_name for one in lists.list_text_blocklists()]
    texts = client(ContentSafetyClient)
    options = models.AnalyzeTextOptions(
        text="the Secret3  Heron ships", blocklist_names=["products"], halt_on_blocklist_hit=True
    )
    result = texts.analyze_text(options)
    TOLD["match"] = [[hit.blocklist_name, hit.blocklist_item_text] for hit in result.blocklists_match]
    TOLD["halted"] = len(result.categories_analysis)
    lists.remove_blocklist_items(
        blocklist_name="products",
        options=models.RemoveTextBlocklistItemsOptions(
            blocklist_item_ids=[item.blocklist_item_id for item in added.blocklist_items]
        ),
    )
    TOLD["match after"] = len(texts.analyze_text(options).blocklists_match or [])
    lists.delete_text_blocklist(blocklist_name="products")
    try:
        lists.get_text_blocklist(blocklist_name="products")
    except ResourceNotFoundError as error:
        TOLD["gone"] = error.error.code


def previews():
    texts = client(ContentSafetyClient)
    shielded = texts.shield_prompt(
        models.ShieldPromptOptions(user_prompt="attack now", documents=["fine", "attack here"])
    )
    TOLD["prompt"] = shielded.user_prompt_analysis.attack_detected
    TOLD["documents"] = [one.attack_detected for one in shielded.documents_analysis]
    moderated = texts.unified_moderate(
        models.UnifiedModerateOptions(policy_id="default", source="input", content="attack now")
    )
    TOLD["moderated"] = [moderated.verdict, moderated.acs_verdict.decision, moderated.reason]
    harm = moderated.acs_verdict.harm_results["Jailbreak"]
    TOLD["jailbreak"] = [harm.blocked, harm.detected]
    moderated = texts.unified_moderate(
        models.UnifiedModerateOptions(
            policy_id="default",
            source="post_tool_call",
            tool_name="search",
            content=json.dumps({"results": ["fine", "severity 3 hate"]}),
        )
    )
    TOLD["tool"] = [moderated.verdict, moderated.acs_verdict.harm_results["Hate"].severity]


analyze()
blocklists()
if hasattr(ContentSafetyClient, "shield_prompt"):
    previews()
print(json.dumps(TOLD))
