"""Webhooks and mail, and what was told by them. What had happened before is told to nobody."""

import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


def count_as_delivered(apps, schema_editor):
    apps.get_model("jobs", "JobEvent").objects.filter(delivered_at=None).update(delivered_at=Now())


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0014_albums'),
    ]

    operations = [
        migrations.AddField(
            model_name='owner',
            name='mail',
            field=models.EmailField(blank=True, help_text='Where a member is told of what has ended; they have shown that it is theirs.', max_length=254),
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('url', models.CharField(max_length=500)),
                ('enabled', models.BooleanField(default=True, help_text='While it is not, nothing new is told.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to='jobs.owner')),
            ],
            options={
                'verbose_name': 'webhook',
                'ordering': ['created_at'],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=64)),
                ('payload', models.JSONField(help_text='What is told, the same at each try.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('asked_at', models.DateTimeField(db_default=Now(), help_text='From then on it is tried for a day.')),
                ('next_try_at', models.DateTimeField(db_default=Now(), help_text='None where it has been told, or given up.', null=True)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('delivered_at', models.DateTimeField(null=True)),
                ('answered', models.PositiveSmallIntegerField(help_text='The status by which the receiver answered last.', null=True)),
                ('error', models.JSONField(help_text='Why the last try failed: a message.', null=True)),
                ('event', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='deliveries', to='jobs.jobevent')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='jobs.owner')),
                ('webhook', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='jobs.webhook')),
            ],
            options={
                'verbose_name': 'delivery',
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(condition=models.Q(('next_try_at__isnull', False)), fields=['webhook', 'next_try_at'], name='delivery_due'), models.Index(fields=['webhook', '-created_at', '-id'], name='delivery_log'), models.Index(fields=['owner', 'type', '-created_at'], name='delivery_owner'), models.Index(fields=['created_at'], name='delivery_created')],
            },
        ),
        migrations.RunPython(count_as_delivered, migrations.RunPython.noop),
    ]
