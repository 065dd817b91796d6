from django.urls import path

from projects.views import archive, area_page, auth, pages, people

app_name = "projects"
urlpatterns = [
    path("", pages.home, name="home"),
    path("sign-in/", auth.sign_in, name="sign-in"),
    path("sign-in/<str:secret>/", auth.sign_in_by_link, name="sign-in-link"),
    path("sign-out/", auth.sign_out, name="sign-out"),
    path("account/", pages.account, name="account"),
    path("account/appearance/", pages.change_appearance, name="change-appearance"),
    path("account/zone/", pages.change_zone, name="change-zone"),
    path("account/keys/", pages.change_keys, name="change-keys"),
    path("account/password/", pages.change_password, name="change-password"),
    path("go/<slug:slug>/", pages.enter, name="enter"),
    path("p/<slug:slug>/settings/", area_page.general, name="general"),
    path("p/<slug:slug>/settings/archive/", archive.archive, name="archive"),
    path("p/<slug:slug>/settings/restore/", archive.restore, name="restore"),
    path("p/<slug:slug>/settings/costs/", area_page.costs, name="costs"),
    path("p/<slug:slug>/members/", people.member_list, name="member-list"),
    path("p/<slug:slug>/members/invite/", people.invite, name="invite"),
    path("p/<slug:slug>/members/<int:user_id>/role/", people.set_role, name="set-role"),
    path("p/<slug:slug>/members/<int:user_id>/remove/", people.remove_member, name="remove-member"),
    path("p/<slug:slug>/keys/", people.key_list, name="key-list"),
    path("p/<slug:slug>/keys/create/", people.create_key, name="create-key"),
    path("p/<slug:slug>/keys/<int:key_id>/revoke/", people.revoke_key, name="revoke-key"),
    path("p/<slug:slug>/audit/", people.audit_trail, name="audit"),
    path("p/<slug:slug>/audit/verify/", people.verify_audit, name="verify-audit"),
    path("styleguide/", pages.show_styleguide, name="styleguide"),
]
