"""The pages of backtests, under backtests/."""

from django.urls import path

from overview import backtest_views as views

app_name = "backtest"

urlpatterns = [
    path("", views.start, name="start"),
    path("file", views.take_file, name="file"),
    path("of/<str:upload_uid>", views.from_upload, name="from-upload"),
    path("<str:backtest_uid>/", views.detail, name="detail"),
    path("<str:backtest_uid>/stop", views.stop, name="stop"),
]
