"""Application templates: one name each; what is in one is looked at when it is used."""

import pytest
from msgspec import Raw
from msgspec.structs import replace

from ecn.commands.template import ApplyTemplate, CreateTemplate, DeleteTemplate, UpdateTemplate
from ecn.errors import Invalid, NameTaken, NotFound, RevisionMoved
from events.ids import TemplateId
from events.template import (
    TemplateCreated,
    TemplateDeleted,
    TemplateSettings,
    TemplateUpdated,
    Variable,
)
from tests.builders import given

SITE, OTHER = TemplateId("template-site"), TemplateId("template-other")
SETTINGS = TemplateSettings(
    variables=[Variable(key="node", default=Raw(b'{"any":"JSON"}')), Variable(key="fps")],
    application=Raw(b'{"microservices":[{"name":"{{ node }}"}]}'),
)
MADE = TemplateCreated(template_id=SITE, name="site", settings=SETTINGS)
CHANGED = replace(SETTINGS, description="one site")


def create(name: str = "site", settings: TemplateSettings = SETTINGS) -> CreateTemplate:
    return CreateTemplate(template_id=SITE, name=name, settings=settings)


def test_one_is_made_renamed_and_deleted() -> None:
    update = UpdateTemplate(template_id=SITE, name="place", settings=CHANGED, seen=SETTINGS)
    delete = DeleteTemplate(template_id=SITE)
    made = given().when(create()).then(MADE)
    after = made.when(update).then(
        TemplateUpdated(template_id=SITE, name="place", settings=CHANGED)
    )
    after.when(delete).then(TemplateDeleted(template_id=SITE)).when(delete).then()


def test_applied_it_is_made_or_changed_by_its_name() -> None:
    apply = ApplyTemplate(template_id=SITE, name="site", settings=SETTINGS)
    again = ApplyTemplate(template_id=OTHER, name="site", settings=CHANGED)
    made = given().when(apply).then(MADE)
    made.when(apply).then()
    made.when(again).then(TemplateUpdated(template_id=SITE, name="site", settings=CHANGED))


def test_names_are_unique() -> None:
    other = TemplateCreated(template_id=OTHER, name="other", settings=SETTINGS)
    given(MADE).when(create()).raises(NameTaken)
    given(MADE, other).when(
        UpdateTemplate(template_id=OTHER, name="site", settings=SETTINGS, seen=SETTINGS)
    ).raises(NameTaken)


def test_a_change_of_what_changed_in_between_is_refused() -> None:
    given(MADE).when(
        UpdateTemplate(template_id=SITE, name="site", settings=CHANGED, seen=CHANGED)
    ).raises(RevisionMoved)


def test_what_is_not_there_is_not_changed() -> None:
    given().when(
        UpdateTemplate(template_id=SITE, name="site", settings=SETTINGS, seen=SETTINGS)
    ).raises(NotFound)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (replace(SETTINGS, application=Raw(b"[]")), "$.application"),
        (replace(SETTINGS, application=Raw(b'"text"')), "$.application"),
        (replace(SETTINGS, variables=[Variable(key="")]), "$.variables[0].key"),
        (replace(SETTINGS, variables=[Variable(key="a")] * 2), "$.variables[1].key"),
        (replace(SETTINGS, description="a\x00"), "$.description"),
    ],
)
def test_it_keeps_the_rules(bad: TemplateSettings, field: str) -> None:
    assert given().when(create(settings=bad)).raises(Invalid).field == field


def test_its_name_does_too() -> None:
    given().when(create("Not A Name")).raises(Invalid)
