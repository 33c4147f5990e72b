"""Messages are kept as their code and their values, beside the words that versions before have kept; events are the outbox."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


def count_as_delivered(apps, schema_editor):
    apps.get_model("jobs", "JobEvent").objects.update(delivered_at=Now())


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0005_draft'),
    ]

    operations = [
        migrations.AlterField('job', 'error_message', models.TextField(blank=True, db_column='error_message')),
        migrations.RenameField('job', 'error_message', 'error_text'),
        migrations.AlterField('photo', 'note', models.CharField(blank=True, db_column='note', max_length=300)),
        migrations.RenameField('photo', 'note', 'note_text'),
        migrations.AlterField('jobevent', 'detail', models.CharField(blank=True, db_column='detail', max_length=200)),
        migrations.RenameField('jobevent', 'detail', 'detail_text'),
        migrations.AddField('job', 'error', models.JSONField(blank=True, null=True, help_text='The message: its code and its values.')),
        migrations.AlterField('job', 'error_text', models.TextField(blank=True, db_column='error_message', help_text='The message as versions before kept it, in words.')),
        migrations.AddField('photo', 'notes', models.JSONField(blank=True, default=list, help_text='What was changed knowingly on the way in: messages.')),
        migrations.AlterField('photo', 'note_text', models.CharField(blank=True, db_column='note', max_length=300, help_text='The same as versions before kept it, in words.')),
        migrations.AddField('jobevent', 'code', models.CharField(blank=True, max_length=80, help_text='Of the message that goes with it.')),
        migrations.AddField('jobevent', 'values', models.JSONField(blank=True, default=dict)),
        migrations.AddField('jobevent', 'snapshot', models.JSONField(blank=True, default=dict, help_text='What is delivered of it.')),
        migrations.AddField('jobevent', 'delivered_at', models.DateTimeField(blank=True, null=True)),
        migrations.AlterField('jobevent', 'detail_text', models.CharField(blank=True, db_column='detail', max_length=200, help_text='The message as versions before kept it.')),
        migrations.AlterField('jobevent', 'job', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='events', to='jobs.job')),
        migrations.AddIndex('jobevent', models.Index(condition=models.Q(('delivered_at', None)), fields=['id'], name='event_to_deliver')),
        migrations.AddIndex('jobevent', models.Index(condition=models.Q(('job', None)), fields=['at'], name='event_of_no_job')),
        migrations.RunPython(count_as_delivered, migrations.RunPython.noop),
    ]
